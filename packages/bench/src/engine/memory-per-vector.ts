import { LocalEngine } from '@shoal/index';
import type { CodeBits } from '@shoal/index';
import { clusteredVectors } from './clustered-vectors.ts';
import { rowOf } from './measured-engine.ts';

export interface MemoryOptions {
  readonly dim: number;
  /** Bits of the codes; undefined without codes. */
  readonly bits: CodeBits | undefined;
  readonly m: number;
  /** Whether the codes alone are kept; default no. */
  readonly codesOnly?: boolean;
  /** Vectors are 16 less than this power of two: then every segment of the index is full, and none of its last one is slack. */
  readonly countLog2: number;
}

export interface MemoryPerVector {
  readonly vectorCount: number;
  /** What is to be kept: components as 32-bit floats, unless codes alone are, the bits of the code, and the ids of full neighbour lists on all layers. */
  readonly theoreticalBytes: number;
  /** What the index says it takes, over its vectors. */
  readonly measuredBytes: number;
}

const FIRST_SEGMENT_RECORDS = 16;
const GROUP_ROWS = 500;
const SEED = 1;
/** Narrow, for speed: how well the neighbours are chosen changes nothing in the room that their lists take. */
const EF_CONSTRUCTION = 16;

function theoreticalBytesOf({ dim, bits, m, codesOnly = false }: MemoryOptions): number {
  // A vector is on layer l with probability m^-l, has 2 m neighbours on layer 0 and m on each other.
  return (codesOnly ? 0 : 4 * dim) + (bits ?? 0) * dim / 8 + 4 * (2 * m + m / (m - 1));
}

/** Builds an index of generated vectors and reads what memory it takes. */
export function memoryPerVector(options: MemoryOptions): MemoryPerVector {
  const { dim, bits, m, codesOnly = false, countLog2 } = options;
  const vectorCount = 2 ** countLog2 - FIRST_SEGMENT_RECORDS;
  const rows = { values: clusteredVectors({ seed: SEED, count: vectorCount, dim, intrinsicDim: 8, clusterCount: 50 }), dim, count: vectorCount };
  const rabitq = bits === undefined ? {} : { rabitq: { bits, seed: SEED, memory: codesOnly ? 'codes' : 'full' } } as const;
  const index = LocalEngine.start().openIndex({ dim, distance: 'l2', m, efConstruction: EF_CONSTRUCTION, seed: SEED, ...rabitq }, (id) => rowOf(rows, id));
  for (let from = 0; from < vectorCount; from += GROUP_ROWS) {
    index.apply(Array.from({ length: Math.min(GROUP_ROWS, vectorCount - from) }, (_, i) => ({ type: 'put', id: from + i, vector: rowOf(rows, from + i) })));
  }
  const { memoryBytes } = index.stats();
  index.drop();
  return { vectorCount, theoreticalBytes: theoreticalBytesOf(options), measuredBytes: memoryBytes / vectorCount };
}
