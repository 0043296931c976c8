import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VectorRows } from '../engine/measured-engine.ts';
import { rowOf } from '../engine/measured-engine.ts';
import { fileData } from './file-data.ts';
import { generatedData } from './generated-data.ts';
import { Nearest, distanceOf } from './nearest-rows.ts';
import { RecallOracle } from './recall-under-load.ts';

const ROWS = 300;
const QUERIES = 6;
const K = 5;
const DIM = 8;
const { data, queries } = generatedData({ seed: 4, dim: DIM, rows: ROWS, extraRows: 0, queries: QUERIES });
const limits = { maximumRows: 1_000, maximumQueries: 100 };

function neighboursOf(distance: 'l2' | 'cosine'): number[][] {
  return Array.from({ length: QUERIES }, (_, query) => (
    Array.from({ length: ROWS }, (_unused, row) => ({ row, far: distanceOf(distance, rowOf(queries, query), rowOf(data, row), Infinity) }))
      .sort((a, b) => a.far - b.far).slice(0, K).map(({ row }) => row)));
}

function records(rows: readonly (readonly number[])[], type: 'f' | 'i' | 'b'): Buffer {
  return Buffer.concat(rows.map((row) => {
    const head = Buffer.alloc(4);
    head.writeInt32LE(row.length);
    return Buffer.concat([head, Buffer.from(type === 'b' ? Uint8Array.from(row) : new Uint8Array((type === 'f' ? Float32Array.from(row) : Int32Array.from(row)).buffer))]);
  }));
}

const rowsOf = (rows: VectorRows): number[][] => Array.from({ length: rows.count }, (_, row) => Array.from(rowOf(rows, row)));

function npy({ values, count, dim }: VectorRows): Buffer {
  const text = `${`{'descr': '<f4', 'fortran_order': False, 'shape': (${count}, ${dim}), }`.padEnd(117)}\n`;
  return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]), Buffer.from(text), Buffer.from(values.buffer, values.byteOffset, values.byteLength)]);
}

let directory: string;
const at = (name: string): string => join(directory, name);

async function writeHdf5(name: string, distance: string, neighbours: readonly (readonly number[])[]): Promise<void> {
  await h5wasm.ready;
  const file = new h5wasm.File(at(name), 'w');
  file.create_dataset({ name: 'train', data: data.values, shape: [ROWS, DIM] });
  file.create_dataset({ name: 'test', data: queries.values, shape: [QUERIES, DIM] });
  file.create_dataset({ name: 'neighbors', data: Int32Array.from(neighbours.flat()), shape: [QUERIES, K] });
  file.create_attribute('distance', distance);
  file.close();
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-file-data-'));
  await writeFile(at('base.fvecs'), records(rowsOf(data), 'f'));
  await writeFile(at('base.npy'), npy(data));
  await writeFile(at('query.fvecs'), records(rowsOf(queries), 'f'));
  await writeFile(at('query.bvecs'), records(rowsOf(queries).map((row) => row.map(() => 7)), 'b'));
  await writeFile(at('truth.ivecs'), records(neighboursOf('l2'), 'i'));
  await writeFile(at('wrong.ivecs'), records(neighboursOf('l2').map((row) => row.map((one) => (one + 1) % ROWS)), 'i'));
  await writeFile(at('beyond.ivecs'), records(neighboursOf('l2').map((row) => row.map((one) => one + ROWS)), 'i'));
  await writeHdf5('euclidean.hdf5', 'euclidean', neighboursOf('l2'));
  await writeHdf5('angular.h5', 'angular', neighboursOf('cosine'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('data of a benchmark from files', () => {
  it('are the same in every format', async () => {
    for (const dataset of ['base.fvecs', 'base.npy', 'euclidean.hdf5']) {
      const read = await fileData({ dataset: at(dataset), queries: at('query.fvecs'), ...limits });
      expect(Buffer.compare(Buffer.from(read.data.values.slice().buffer), Buffer.from(data.values.slice().buffer)), dataset).toBe(0);
      expect(read).toMatchObject({ data: { count: ROWS, dim: DIM }, queries: { count: QUERIES } });
    }
    expect((await fileData({ dataset: at('base.fvecs'), queries: at('query.bvecs'), ...limits })).queries.values.every((value) => value === 7)).toBe(true);
  });

  it('bring queries, neighbours and distance along as HDF5, and leave the neighbours out where another distance is measured', async () => {
    const angular = await fileData({ dataset: at('angular.h5'), ...limits });
    expect(angular).toMatchObject({ distance: 'cosine', queries: { count: QUERIES }, truth: { rowCount: ROWS } });
    expect(angular.truth?.neighbours.map((row) => Array.from(row))).toEqual(neighboursOf('cosine'));
    const other = await fileData({ dataset: at('angular.h5'), distance: 'l2', ...limits });
    expect([other.distance, other.truth]).toEqual(['l2', undefined]);
  });

  it('take neighbours from ivecs when they are those of all rows, and hold answers against them as against a scan', async () => {
    const known = await fileData({ dataset: at('base.fvecs'), queries: at('query.fvecs'), groundTruth: at('truth.ivecs'), ...limits });
    const { truth, ...scanned } = known;
    expect(truth?.rowCount).toBe(ROWS);
    const samples = Array.from({ length: QUERIES }, (_, query) => ({ query, rows: [...(neighboursOf('l2')[query] ?? []).slice(0, K - query % 3), 299], startedAtMs: query * 100, endedAtMs: query * 100 + 50 }));
    const span = { startedAtMs: 0, endedAtMs: 600 };
    const [byFile, byScan] = [new RecallOracle(known, ROWS, K).measure(samples, [], span), new RecallOracle(scanned, ROWS, K).measure(samples, [], span)];
    expect([byFile?.truth, byScan?.truth]).toEqual(['file', 'scan']);
    expect(byFile).toEqual({ ...byScan, truth: 'file' });
    expect(byFile?.overTime?.map(({ searchCount }) => searchCount)).toEqual([QUERIES]);
    const part = await fileData({ dataset: at('base.fvecs'), queries: at('query.fvecs'), groundTruth: at('truth.ivecs'), ...limits, maximumRows: 100 });
    expect([part.data.count, part.truth]).toEqual([100, undefined]);
  });

  it('are refused where the neighbours are not the nearest rows, name rows that are not there, or queries lack', async () => {
    const wrong = (groundTruth: string) => fileData({ dataset: at('base.fvecs'), queries: at('query.fvecs'), groundTruth: at(groundTruth), ...limits });
    await expect(wrong('wrong.ivecs')).rejects.toMatchObject({ code: 'invalid_field', field: 'ground-truth', message: expect.stringContaining('wrong.ivecs') });
    await expect(wrong('beyond.ivecs')).rejects.toMatchObject({ code: 'invalid_field', message: expect.stringMatching(/row \d+, and there are 300 rows/) });
    await expect(fileData({ dataset: at('base.fvecs'), ...limits })).rejects.toMatchObject({ code: 'missing_field', field: 'queries' });
    await expect(fileData({ dataset: at('truth.ivecs'), ...limits })).rejects.toMatchObject({ code: 'invalid_field' });
  });
});

it('keeps the k least distances, whatever their order', () => {
  const nearest = new Nearest(2);
  for (const distance of [5, 1, 9, 3]) nearest.add(distance);
  expect(nearest.worst).toBe(3);
});
