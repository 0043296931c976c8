import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('the reference pages say about limits and routes what the code says; npm run docs writes them', () => {
  const script = fileURLToPath(new URL('../../../scripts/docs.mjs', import.meta.url));
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toBe('');
});
