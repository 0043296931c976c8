/** Mutations: what a message of the log says. One message concerns one partition of one embedding. */
import type { EmbeddingSpec } from './embedding-spec.ts';
import type { EmbeddingCode, OperationId, Partition, VectorKey } from './ids.ts';

export interface PutOperation {
  /** `upsert` replaces a vector of the same key; `insert` leaves it alone and reports `exists`. */
  readonly type: 'upsert' | 'insert';
  readonly key: VectorKey;
  /** Components as the caller sent them, not normalised; length = dim. */
  readonly vector: Float32Array;
  /** UTF-8 JSON text of an object, or nothing. */
  readonly payload?: Uint8Array;
}

export interface DeleteOperation {
  readonly type: 'delete';
  readonly key: VectorKey;
}

export type VectorOperation = PutOperation | DeleteOperation;

interface MutationHead {
  readonly operationId: OperationId;
  readonly code: EmbeddingCode;
  readonly partition: Partition;
}

/** Announces a partition; always comes before its vectors. Repeating it changes nothing. */
export interface DefineMutation extends MutationHead {
  readonly type: 'define';
  readonly spec: EmbeddingSpec;
}

/** Ends a partition: its vectors are gone, later mutations of this code report `embedding_dropped`. */
export interface DropMutation extends MutationHead {
  readonly type: 'drop';
}

/** A group of vector operations, applied in order and visible to searches in one step. */
export interface WriteMutation extends MutationHead {
  readonly type: 'write';
  readonly dim: number;
  readonly operations: readonly VectorOperation[];
}

export type Mutation = DefineMutation | DropMutation | WriteMutation;

/** What became of one vector operation. The numbers are on disk and wire: never change one. */
export const OUTCOMES = {
  created: 1,
  replaced: 2,
  exists: 3,
  deleted: 4,
  absent: 5,
  embedding_dropped: 6,
  embedding_unknown: 7,
  memory_full: 8,
  dimension_mismatch: 9,
} as const;
export type Outcome = keyof typeof OUTCOMES;
