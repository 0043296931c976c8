import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MAX_CANDIDATES, MAX_DIM, MAX_EF, MAX_K, MAX_LANES, MAX_M, MAX_RERANK, MAX_VECTORS } from './limits.ts';

test('the host knows the same bounds as the kernel', () => {
  const assembly = readFileSync(new URL('../assembly/limits.ts', import.meta.url), 'utf8');
  for (const [name, limit] of Object.entries({ MAX_CANDIDATES, MAX_DIM, MAX_K, MAX_EF, MAX_LANES, MAX_M, MAX_RERANK, MAX_VECTORS })) {
    const expression = new RegExp(`export const ${name}: u32 = ([^;]+);`).exec(assembly)?.[1];
    const [value, shift = '0'] = (expression ?? '').split('<<');
    expect(Number(value) << Number(shift), name).toBe(limit);
  }
});
