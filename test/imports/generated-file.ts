/** A npy file of generated vectors, some of its rows broken; made piece by piece, read back row by row. */
import { open, type FileHandle } from 'node:fs/promises';
import { clusteredVectors, seededUniform } from '@shoal/bench';

export interface GeneratedFile {
  readonly path: string;
  readonly rows: number;
  readonly dim: number;
  /** Every so many rows one holds NaN. */
  readonly brokenEvery: number;
  readonly seed: number;
}

const POOL_ROWS = 20_000;
const PIECE_ROWS = 2_000;
const HEADER_BYTES = 128;

export const isBrokenRow = ({ brokenEvery }: GeneratedFile, row: number): boolean => row % brokenEvery === brokenEvery - 1;
export const brokenRowCount = ({ rows, brokenEvery }: GeneratedFile): number => Math.floor(rows / brokenEvery);

/** Vectors around clusters, each moved a little, so that none is like another. */
export async function writeGeneratedFile(file: GeneratedFile): Promise<void> {
  const { path, rows, dim, seed } = file;
  const poolRows = Math.min(rows, POOL_ROWS);
  const pool = clusteredVectors({ seed, count: poolRows, dim, intrinsicDim: Math.min(24, dim), clusterCount: 50 });
  const uniform = seededUniform(seed + 1);
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`.padEnd(HEADER_BYTES - 11) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  const handle = await open(path, 'w');
  try {
    await handle.write(Buffer.concat([head, Buffer.from(header, 'latin1')]));
    for (let first = 0; first < rows; first += PIECE_ROWS) {
      const count = Math.min(PIECE_ROWS, rows - first);
      const values = new Float32Array(count * dim);
      for (let index = 0; index < values.length; index += 1) {
        const poolIndex = ((first + Math.floor(index / dim)) % poolRows) * dim + (index % dim);
        values[index] = (pool[poolIndex] ?? 0) + 0.2 * (uniform() - 0.5);
      }
      for (let row = 0; row < count; row += 1) if (isBrokenRow(file, first + row)) values[row * dim] = Number.NaN;
      await handle.write(Buffer.from(values.buffer));
    }
  } finally {
    await handle.close();
  }
}

/** Rows [first, first + count) back to back. */
export async function readRows({ dim }: GeneratedFile, handle: FileHandle, first: number, count: number): Promise<Float32Array> {
  const values = new Float32Array(count * dim);
  await handle.read(Buffer.from(values.buffer), 0, values.byteLength, HEADER_BYTES + first * dim * 4);
  return values;
}
