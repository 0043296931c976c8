import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AcknowledgedRows } from './acknowledged-rows.ts';
import { decodeProgress, encodeProgress, readProgress, writeProgress, type LoadProgress } from './progress-file.ts';

const progress: LoadProgress = { file: '/data/v.fvecs', embedding: 'e', rowsBelow: 4_500, isComplete: false, receipt: { 3: 17, 41: 5 } };
const golden =
  '{"version":1,"file":"/data/v.fvecs","embedding":"e","rowsBelow":4500,"isComplete":false,"receipt":{"3":17,"41":5},' +
  '"checksum":"8bd6df9e2d73e87c63e81b295416bafc1bdad4bc8c1a1b25b2bed26e84f01094"}\n';

test('the file has its frozen form', () => {
  expect(encodeProgress(progress)).toBe(golden);
  expect(decodeProgress(golden)).toEqual(progress);
});

test('any changed or cut text counts as no progress', () => {
  fc.assert(
    fc.property(fc.nat(golden.length - 3), fc.constantFrom('x', '9', '', '{'), (at, replacement) => {
      fc.pre(golden[at] !== replacement);
      const damaged = golden.slice(0, at) + replacement + golden.slice(at + 1);
      const decoded = decodeProgress(damaged);
      // Damage outside the members, such as in a name that is not read, must not change what is read.
      expect(decoded === undefined || encodeProgress(decoded) === golden).toBe(true);
      expect(decodeProgress(golden.slice(0, at))).toBeUndefined();
    }),
  );
  expect(decodeProgress('null')).toBeUndefined();
  expect(decodeProgress('[]')).toBeUndefined();
});

test('a file is replaced as a whole, and an absent one is no error', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-progress-'));
  try {
    const path = join(directory, 'deep', 'load.json');
    expect(await readProgress(path)).toBeUndefined();
    await writeProgress(path, progress);
    await writeProgress(path, { ...progress, rowsBelow: 5_000 });
    expect((await readProgress(path))?.rowsBelow).toBe(5_000);
    expect(await readFile(`${path}.next`).catch(() => 'gone')).toBe('gone');
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('rows are acknowledged below a mark that moves only over what is complete', () => {
  const batches = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.nat(100), fc.integer({ min: 1, max: 9 }), batches, (startRow, batchRows, order) => {
      const rows = new AcknowledgedRows(startRow);
      const done = new Set<number>();
      for (const batch of order) {
        rows.add(startRow + batch * batchRows, batchRows);
        done.add(batch);
        let complete = 0;
        while (done.has(complete)) complete += 1;
        expect(rows.below).toBe(startRow + complete * batchRows);
      }
    }),
  );
});
