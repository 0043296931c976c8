import { describe, expect, it } from 'vitest';
import { checkServer } from './server-check.ts';

describe('the check of the server', () => {
  const facts = { version: '2.12.0', max_payload: 1024 * 1024 };

  it('takes 2.12 and newer, pre-releases included', () => {
    for (const version of ['2.12.0', '2.12.3', '2.15.1', '3.0.0', '2.12.0-RC.1', 'v2.14.0']) expect(() => checkServer({ ...facts, version })).not.toThrow();
  });

  it('refuses older servers with the version found and the version needed', () => {
    for (const version of ['2.9.10', '2.11.99', '1.4.1', 'unknown']) {
      expect(() => checkServer({ ...facts, version })).toThrow(expect.objectContaining({ code: 'bus_incompatible', message: expect.stringContaining(version) }));
      expect(() => checkServer({ ...facts, version })).toThrow(/2\.12\.0/);
    }
  });

  it('refuses servers that carry too little in one message', () => {
    expect(() => checkServer({ ...facts, max_payload: 65_536 })).toThrow(expect.objectContaining({ code: 'bus_incompatible' }));
  });
});
