import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataset } from './open-dataset.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-npy-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

interface NpyForm {
  readonly descr: string;
  readonly shape: string;
  readonly data: Uint8Array;
  readonly major?: 1 | 2 | 3 | 9;
  readonly fortranOrder?: 'True' | 'False';
}

/** What numpy.save writes: the header padded with spaces to a multiple of 64 bytes. */
function npy({ descr, shape, data, major = 1, fortranOrder = 'False' }: NpyForm): Buffer {
  const lengthBytes = major === 1 ? 2 : 4;
  const literal = `{'descr': '${descr}', 'fortran_order': ${fortranOrder}, 'shape': ${shape}, }`;
  const padding = 63 - ((8 + lengthBytes + literal.length) % 64);
  const header = Buffer.from(`${literal}${' '.repeat(padding)}\n`, 'latin1');
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntLE(header.length, 0, lengthBytes);
  return Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([major, 0]), length, header, data]);
}

async function write(bytes: Uint8Array): Promise<string> {
  const path = join(directory, 'array.npy');
  await writeFile(path, bytes);
  return path;
}

async function readBytes(bytes: Uint8Array, startRow = 0): Promise<number[][]> {
  const dataset = await openDataset(await write(bytes));
  const all: number[][] = [];
  for await (const { row, values } of dataset.rows({ startRow })) {
    expect(row).toBe(startRow + all.length);
    all.push([...values]);
  }
  return all;
}

function data(write: (view: DataView) => void, bytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  write(view);
  return new Uint8Array(view.buffer);
}

const twoByTwo: [string, Uint8Array, number[][]][] = [
  ['<f4', new Uint8Array(Float32Array.of(1.5, -2, 3, 4).buffer), [[1.5, -2], [3, 4]]],
  ['<f8', new Uint8Array(Float64Array.of(1.5, -2, 0.1, 4).buffer), [[1.5, -2], [Math.fround(0.1), 4]]],
  ['|u1', Uint8Array.of(0, 1, 254, 255), [[0, 1], [254, 255]]],
  ['|i1', Uint8Array.of(0, 1, 254, 255), [[0, 1], [-2, -1]]],
  ['<i2', new Uint8Array(Int16Array.of(0, -1, 300, -300).buffer), [[0, -1], [300, -300]]],
  ['>u2', Uint8Array.of(0, 1, 1, 0, 0, 2, 2, 0), [[1, 256], [2, 512]]],
  ['<i4', new Uint8Array(Int32Array.of(0, -1, 70_000, 4).buffer), [[0, -1], [70_000, 4]]],
  ['<i8', new Uint8Array(BigInt64Array.of(0n, -1n, 70_000n, 4n).buffer), [[0, -1], [70_000, 4]]],
  ['>f4', data((view) => [1.5, -2, 3, 4].forEach((value, index) => view.setFloat32(index * 4, value, false)), 16), [[1.5, -2], [3, 4]]],
  // 1.0, -2.0, the largest half float, and the smallest positive one.
  ['<f2', new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001).buffer), [[1, -2], [65504, 2 ** -24]]],
];

test.each(twoByTwo)('an array of type %s reads as float32', async (descr, bytes, expected) => {
  expect(await readBytes(npy({ descr, shape: '(2, 2)', data: bytes }))).toEqual(expected);
  expect(await readBytes(npy({ descr, shape: '(2, 2)', data: bytes, major: 2 }), 1)).toEqual(expected.slice(1));
});

test('a float32 array of any shape reads back bit for bit, and every truncation is refused', async () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  const matrix = fc.integer({ min: 1, max: 9 }).chain((dim) => fc.array(fc.array(float, { minLength: dim, maxLength: dim }), { maxLength: 9 }).map((rows) => ({ dim, rows })));
  await fc.assert(
    fc.asyncProperty(matrix, fc.constantFrom(1, 2, 3), fc.nat(), async ({ dim, rows }, major, cut) => {
      const bytes = npy({ descr: '<f4', shape: `(${rows.length}, ${dim})`, data: new Uint8Array(Float32Array.from(rows.flat()).buffer), major: major as 1 });
      expect(await readBytes(bytes)).toEqual(rows);
      await expect(readBytes(bytes.subarray(0, cut % bytes.length))).rejects.toMatchObject({ code: 'malformed_body' });
      await expect(readBytes(Buffer.concat([bytes, Buffer.from([0])]))).rejects.toMatchObject({ code: 'malformed_body' });
    }),
    { numRuns: 60 },
  );
});

test('a truncated array names the first row that is missing and its byte', async () => {
  const bytes = npy({ descr: '<f4', shape: '(3, 2)', data: new Uint8Array(5 * 4) });
  await expect(readBytes(bytes)).rejects.toMatchObject({ place: { row: 2, byteOffset: bytes.length - 4 } });
});

test('a NaN, and a float64 beyond float32, are refused with the row and their own byte', async () => {
  const infinite = npy({ descr: '<f8', shape: '(2, 1)', data: new Uint8Array(Float64Array.of(1, 1e300).buffer) });
  await expect(readBytes(infinite)).rejects.toMatchObject({ code: 'invalid_vector', place: { row: 1, byteOffset: infinite.length - 8 } });
  const nan = npy({ descr: '<f4', shape: '(1, 2)', data: new Uint8Array(Float32Array.of(1, NaN).buffer) });
  await expect(readBytes(nan)).rejects.toMatchObject({ code: 'invalid_vector', place: { row: 0, byteOffset: nan.length - 4 } });
});

test.each<[string, NpyForm]>([
  ['one dimension', { descr: '<f4', shape: '(4,)', data: new Uint8Array(16) }],
  ['three dimensions', { descr: '<f4', shape: '(1, 2, 2)', data: new Uint8Array(16) }],
  ['Fortran order', { descr: '<f4', shape: '(2, 2)', data: new Uint8Array(16), fortranOrder: 'True' }],
  ['complex numbers', { descr: '<c8', shape: '(1, 2)', data: new Uint8Array(16) }],
  ['objects', { descr: '|O', shape: '(1, 2)', data: new Uint8Array(16) }],
  ['an unknown version', { descr: '<f4', shape: '(2, 2)', data: new Uint8Array(16), major: 9 }],
  ['no components', { descr: '<f4', shape: '(2, 0)', data: new Uint8Array(0) }],
  ['too many components', { descr: '|u1', shape: '(1, 8193)', data: new Uint8Array(8193) }],
  ['more rows than a number holds', { descr: '|u1', shape: '(99999999999999999999, 2)', data: new Uint8Array(4) }],
])('an array with %s is refused', async (_name, form) => {
  await expect(readBytes(npy(form))).rejects.toMatchObject({ name: 'DatasetError', code: 'malformed_body' });
});
