import { clusteredVectors } from '../engine/clustered-vectors.ts';
import type { BenchData } from './bench-target.ts';

export interface GeneratedDataOptions {
  readonly seed: number;
  readonly dim: number;
  /** Rows in the database at the beginning. */
  readonly rows: number;
  /** Different vectors for the writers; later ones repeat. */
  readonly extraRows: number;
  readonly queries: number;
  /** Dimensions within which the clusters lie and vary; fewer make a search easier. */
  readonly intrinsicDim?: number;
}

const INTRINSIC_DIM_DEFAULT = 24;
const CLUSTER_COUNT = 100;

/** Vectors as embeddings are: clusters of low intrinsic dimension. Equal for equal options. */
export function generatedData({ seed, dim, rows, extraRows, queries, intrinsicDim = INTRINSIC_DIM_DEFAULT }: GeneratedDataOptions): BenchData {
  const dataCount = rows + extraRows;
  const values = clusteredVectors({ seed, count: dataCount + queries, dim, intrinsicDim, clusterCount: CLUSTER_COUNT });
  return {
    title: `${rows} x ${dim}, generated with seed ${seed}`,
    data: { values: values.subarray(0, dataCount * dim), dim, count: dataCount },
    queries: { values: values.subarray(dataCount * dim), dim, count: queries },
    distance: 'l2',
  };
}
