import type { Distance } from '@shoal/index';
import { ShoalError } from '@shoal/protocol';
import { openDataset } from '../datasets/index.ts';
import type { VectorRows } from '../engine/measured-engine.ts';
import type { BenchData } from './bench-target.ts';

export interface FileDataOptions {
  /** Vectors of any dataset format but ivecs. */
  readonly vectors: string;
  readonly queries: string;
  readonly distance: Distance;
  /** At most as many vectors are read; the rows of the database beyond them repeat. */
  readonly maximumRows: number;
  readonly maximumQueries: number;
}

async function readRows(file: string, maximum: number): Promise<VectorRows> {
  const dataset = await openDataset(file);
  const rows: Float32Array[] = [];
  for await (const { values } of dataset.rows()) {
    rows.push(values);
    if (rows.length === maximum) break;
  }
  if (rows.length === 0) throw new ShoalError('invalid_field', `${file} has no vectors.`);
  const values = new Float32Array(rows.length * dataset.dim);
  for (const [index, row] of rows.entries()) values.set(row, index * dataset.dim);
  return { values, dim: dataset.dim, count: rows.length };
}

/** Vectors and queries from files, held in memory. */
export async function fileData({ vectors, queries, distance, maximumRows, maximumQueries }: FileDataOptions): Promise<BenchData> {
  const [data, asked] = [await readRows(vectors, maximumRows), await readRows(queries, maximumQueries)];
  if (data.dim !== asked.dim) throw new ShoalError('invalid_field', `${queries} has vectors of ${asked.dim} components, ${vectors} of ${data.dim}.`, { field: 'queries' });
  return { title: `${vectors.slice(Math.max(vectors.lastIndexOf('/'), vectors.lastIndexOf('\\')) + 1)}, ${data.count} x ${data.dim}`, data, queries: asked, distance };
}
