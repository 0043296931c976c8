/** What an embedding is. The full specification travels through the log, so that a shard needs nothing else to build its indexes. */
import type { EmbeddingCode, EmbeddingName, TenantId } from './ids.ts';
import type { DeclaredFields } from './payload-fields.ts';

export const DISTANCES = ['cosine', 'l2', 'dot'] as const;
/** cosine is 1 - cos, l2 the Euclidean distance (not squared), dot the negated inner product: lower is nearer everywhere. */
export type Distance = (typeof DISTANCES)[number];

export const STORAGES = ['f32', 'f16'] as const;
export type Storage = (typeof STORAGES)[number];

export const RABITQ_BITS = [1, 2, 4, 8] as const;
export type RabitqBits = (typeof RABITQ_BITS)[number];

export interface HnswParameters {
  readonly m: number;
  readonly efConstruction: number;
  /** Seed of the layer hash: replicas with the same seed build the same graph. */
  readonly seed: number;
}

export const VECTOR_MEMORIES = ['full', 'codes'] as const;
/** What an index keeps in memory: vectors and codes, or codes alone; searches then read vectors from the store of the shard. */
export type VectorMemory = (typeof VECTOR_MEMORIES)[number];

export interface RabitqParameters {
  readonly bits: RabitqBits;
  readonly seed: number;
  /** Absent is `full`: specifications of earlier releases do not mention it. */
  readonly memory?: 'codes';
}

export function memoryOf({ memory }: RabitqParameters): VectorMemory {
  return memory ?? 'full';
}

/** What an embedding is. Only `fields` changes after registration, and only by growing. */
export interface EmbeddingSpec {
  readonly code: EmbeddingCode;
  readonly tenant: TenantId;
  readonly name: EmbeddingName;
  readonly model: string;
  readonly dim: number;
  readonly distance: Distance;
  readonly hnsw: HnswParameters;
  readonly rabitq: RabitqParameters;
  readonly storage: Storage;
  readonly partitions: number;
  readonly replicas: number;
  /** Members of payloads that filters may name. */
  readonly fields: DeclaredFields;
}
