import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DatasetError } from './dataset-error.ts';
import { openDataset, readRow } from './open-dataset.ts';
import { readIvecs } from './vecs-reader.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-vecs-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

function fvecs(rows: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(
    rows.map((row) => {
      const record = Buffer.alloc(4 + row.length * 4);
      record.writeInt32LE(row.length, 0);
      row.forEach((value, index) => record.writeFloatLE(value, 4 + index * 4));
      return record;
    }),
  );
}

function bvecs(rows: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(rows.map((row) => Buffer.from([row.length, 0, 0, 0, ...row])));
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

async function readAll(path: string, startRow = 0): Promise<{ row: number; values: number[] }[]> {
  const dataset = await openDataset(path);
  const all = [];
  for await (const { row, values } of dataset.rows({ startRow })) all.push({ row, values: [...values] });
  return all;
}

async function faultOf(path: string): Promise<DatasetError> {
  const fault: unknown = await readAll(path).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(DatasetError);
  return fault as DatasetError;
}

test('a bvecs file yields its rows, from any start row', async () => {
  const path = await write('small.bvecs', bvecs([[1, 2, 3], [255, 0, 7], [9, 9, 9]]));
  const dataset = await openDataset(path);
  expect([dataset.dim, dataset.rowCount, dataset.fileBytes]).toEqual([3, 3, 21]);
  expect(await readAll(path, 1)).toEqual([{ row: 1, values: [255, 0, 7] }, { row: 2, values: [9, 9, 9] }]);
  expect(await readAll(path, 3)).toEqual([]);
  expect([...(await readRow(dataset, 1))]).toEqual([255, 0, 7]);
  await expect(readRow(dataset, 3)).rejects.toMatchObject({ code: 'invalid_field', place: { row: 3 } });
});

test('an fvecs file of any shape reads back bit for bit, and any truncation is refused with the row and byte where it is cut', async () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  const matrix = fc.integer({ min: 1, max: 20 }).chain((dim) => fc.array(fc.array(float, { minLength: dim, maxLength: dim }), { minLength: 1, maxLength: 12 }));
  await fc.assert(
    fc.asyncProperty(matrix, fc.nat(), async (rows, cut) => {
      const bytes = fvecs(rows);
      const path = await write('round.fvecs', bytes);
      expect((await readAll(path)).map((row) => row.values)).toEqual(rows);
      const recordBytes = 4 + (rows[0]?.length ?? 0) * 4;
      const keptBytes = cut % bytes.length;
      if (keptBytes % recordBytes === 0) return;
      const cutRow = Math.floor(keptBytes / recordBytes);
      const fault = await faultOf(await write('cut.fvecs', bytes.subarray(0, keptBytes)));
      expect(fault.code).toBe('malformed_body');
      expect(fault.place).toMatchObject({ row: cutRow, byteOffset: cutRow * recordBytes });
    }),
    { numRuns: 60 },
  );
});

test('a file larger than one chunk is read whole', async () => {
  const rows = Array.from({ length: 4_000 }, (_, row) => Array.from({ length: 128 }, (_unused, index) => row + index / 128));
  const path = await write('large.fvecs', fvecs(rows));
  const read = await readAll(path, 1_999);
  expect(read.length).toBe(2_001);
  expect(read.every(({ row, values }) => values[0] === row && values[64] === row + 0.5)).toBe(true);
});

test('a changing dimension is refused with the row and byte where it changes', async () => {
  const fault = await faultOf(await write('changing.bvecs', bvecs([[1, 2, 3], [1, 2, 3], [1, 2], [1, 2, 3]])));
  expect(fault.code).toBe('dimension_mismatch');
  expect(fault.place).toMatchObject({ row: 2, byteOffset: 14 });
  expect(fault.message).toContain('changing.bvecs, row 2 at byte 14: the dimension changes from 3 to 2.');
});

test('a component that is not finite is refused with its own byte', async () => {
  const fault = await faultOf(await write('nan.fvecs', fvecs([[1, 2], [3, NaN]])));
  expect(fault.code).toBe('invalid_vector');
  expect(fault.place).toMatchObject({ row: 1, byteOffset: 12 + 4 + 4 });
});

test.each([
  ['empty.fvecs', Buffer.alloc(0)],
  ['short.fvecs', Buffer.from([1, 0])],
  ['negative.fvecs', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ['huge.fvecs', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0])],
])('%s is refused as damaged', async (name, bytes) => {
  expect((await faultOf(await write(name, bytes))).code).toBe('malformed_body');
});

test('a file that does not exist and an unknown extension are told apart from damage', async () => {
  expect((await faultOf(join(directory, 'absent.fvecs'))).code).toBe('invalid_field');
  expect((await faultOf(await write('what.txt', Buffer.alloc(8)))).code).toBe('invalid_field');
});

test('an aborted signal ends the reading', async () => {
  const dataset = await openDataset(await write('abort.bvecs', bvecs([[1], [2]])));
  const reading = (async () => {
    for await (const row of dataset.rows({ signal: AbortSignal.abort(new Error('enough')) })) void row;
  })();
  await expect(reading).rejects.toThrow('enough');
});

test('an ivecs file reads as 32-bit integers', async () => {
  const path = await write('truth.ivecs', Buffer.from([2, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]));
  expect(await readIvecs(path)).toEqual([Int32Array.of(1, 0x7fffffff)]);
});

const siftPath = fileURLToPath(new URL('../../../../../shared/data/bigann10k_base.bvecs', import.meta.url));
test.runIf(existsSync(siftPath))('published SIFT descriptors and their ground truth agree with a scan', async () => {
  const base = (await readAll(siftPath)).map((row) => row.values);
  const queries = (await readAll(siftPath.replace('_base', '_query'))).map((row) => row.values);
  const truth = await readIvecs(siftPath.replace('_base.bvecs', '_groundtruth.ivecs'));
  expect([base.length, queries.length, truth.length]).toEqual([10_000, 100, 100]);
  const distance = (a: number[], b: number[]): number => a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0);
  for (const query of [0, 57, 99]) {
    const probe = queries[query] ?? [];
    const nearest = base.map((row) => distance(row, probe)).sort((a, b) => a - b).slice(0, 10);
    const claimed = [...(truth[query] ?? [])].slice(0, 10).map((row) => distance(base[row] ?? [], probe));
    expect(claimed).toEqual(nearest);
  }
});
