import { expect, it } from 'vitest';
import { nodeVersionFault } from './node-version.ts';

it('takes Node 24 and newer', () => {
  expect(nodeVersionFault('20.19.2')).toMatch(/^Shoal needs Node 24 or newer, and this is 20\.19\.2;/);
  expect([nodeVersionFault('24.0.0'), nodeVersionFault('25.1.0')]).toEqual([undefined, undefined]);
});
