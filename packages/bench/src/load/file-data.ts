import type { Distance } from '@shoal/index';
import { ShoalError } from '@shoal/protocol';
import { formatOf, openDataset, openHdf5, openHdf5Dataset, readIvecs, type Dataset, type Hdf5Array } from '../datasets/index.ts';
import type { VectorRows } from '../engine/measured-engine.ts';
import type { BenchData } from './bench-target.ts';
import { checkGroundTruth, type GroundTruth } from './ground-truth.ts';

export interface FileDataOptions {
  /** Vectors in any dataset format. HDF5 as ann-benchmarks has it brings queries, neighbours and distance along. */
  readonly dataset: string;
  /** Needed for a dataset that brings none. */
  readonly queries?: string;
  /** An ivecs file: the rows of the nearest neighbours of each query. */
  readonly groundTruth?: string;
  /** What the dataset says when absent, and l2 where it says nothing. */
  readonly distance?: Distance;
  /** At most as many vectors are read; the rows of the database beyond them repeat. */
  readonly maximumRows: number;
  readonly maximumQueries: number;
}

/** Names of ann-benchmarks: what is searched for, and the rows of the nearest neighbours. */
const HDF5_QUERIES = 'test';
const HDF5_NEIGHBOURS = 'neighbors';
const HDF5_DISTANCES: Readonly<Record<string, Distance>> = { euclidean: 'l2', angular: 'cosine' };

async function readRows(dataset: Dataset, maximum: number): Promise<VectorRows> {
  const { dim } = dataset;
  let values = new Float32Array(Math.min(maximum, dataset.rowCount ?? 1_024) * dim);
  let count = 0;
  for await (const row of dataset.rows()) {
    if (count === maximum) break;
    if ((count + 1) * dim > values.length) {
      const grown = new Float32Array(Math.min(maximum, (count + 1) * 2) * dim);
      grown.set(values);
      values = grown;
    }
    values.set(row.values, count * dim);
    count += 1;
  }
  if (count === 0) throw new ShoalError('invalid_field', `${dataset.path} has no vectors.`, { field: 'dataset' });
  return { values: values.subarray(0, count * dim), dim, count };
}

/** What a dataset brings along. */
interface Companions {
  readonly queries?: Dataset;
  readonly distance?: Distance;
  readonly neighbours?: readonly ArrayLike<number>[];
}

async function companionsOf(path: string, maximumQueries: number): Promise<Companions> {
  if (formatOf(path) !== 'hdf5') return {};
  const file = await openHdf5(path);
  try {
    const distance = HDF5_DISTANCES[file.text('distance') ?? ''];
    const neighbours = file.array(HDF5_NEIGHBOURS);
    const hasQueries = file.array(HDF5_QUERIES) !== undefined;
    return {
      ...(hasQueries ? { queries: await openHdf5Dataset(path, HDF5_QUERIES) } : {}),
      ...(distance === undefined ? {} : { distance }),
      ...(neighbours === undefined ? {} : { neighbours: rowsOfArray(neighbours, maximumQueries) }),
    };
  } finally {
    file.close();
  }
}

function rowsOfArray({ rowCount, columnCount, slice }: Hdf5Array, maximum: number): readonly ArrayLike<number>[] {
  const count = Math.min(rowCount, maximum);
  const values = Array.from(slice(0, count), Number);
  return Array.from({ length: count }, (_, row) => values.slice(row * columnCount, (row + 1) * columnCount));
}

const nameOf = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** Vectors and queries from files, held in memory. Known neighbours are taken when they are about all rows of the dataset and the distance that is measured. */
export async function fileData({ dataset: path, queries: queriesPath, groundTruth, distance: wanted, maximumRows, maximumQueries }: FileDataOptions): Promise<BenchData> {
  const dataset = await openDataset(path);
  const own = await companionsOf(path, maximumQueries);
  const asked = queriesPath === undefined ? own.queries : await openDataset(queriesPath);
  if (asked === undefined) throw new ShoalError('missing_field', `${path} brings no queries along; name a file of queries with --queries.`, { field: 'queries' });
  if (dataset.dim !== asked.dim) throw new ShoalError('invalid_field', `${asked.path} has vectors of ${asked.dim} components, ${path} of ${dataset.dim}.`, { field: 'queries' });
  const [data, queries] = [await readRows(dataset, maximumRows), await readRows(asked, maximumQueries)];
  const distance = wanted ?? own.distance ?? 'l2';
  const bench = { title: `${nameOf(path)}, ${data.count} x ${data.dim}`, data, queries, distance };
  const isWhole = data.count === dataset.rowCount || dataset.rowCount === undefined;
  const ownNeighbours = queriesPath === undefined && distance === own.distance ? own.neighbours : undefined;
  const neighbours = groundTruth === undefined ? ownNeighbours : await readIvecs(groundTruth);
  if (neighbours === undefined || !isWhole) return bench;
  const truth: GroundTruth = { file: groundTruth ?? path, rowCount: data.count, neighbours };
  const known = { ...bench, truth };
  checkGroundTruth(known);
  return known;
}
