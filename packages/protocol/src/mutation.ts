/** Mutations: what a message of the log says. One message concerns one partition of one embedding. */
import type { EmbeddingSpec } from './embedding-spec.ts';
import type { EmbeddingCode, OperationId, Partition, Sequence, VectorKey } from './ids.ts';
import type { DeclaredFields } from './payload-fields.ts';

interface OperationHead {
  readonly key: VectorKey;
  /** The operation is carried out only when the last message that changed the vector has this sequence; 0: when there is no vector. */
  readonly ifSequence?: Sequence;
}

export interface PutOperation extends OperationHead {
  /** `upsert` replaces a vector of the same key; `insert` leaves it alone and reports `exists`. */
  readonly type: 'upsert' | 'insert';
  /** Components as the caller sent them, not normalised; length = dim. */
  readonly vector: Float32Array;
  /** UTF-8 JSON text of an object, or nothing. */
  readonly payload?: Uint8Array;
}

export interface DeleteOperation extends OperationHead {
  readonly type: 'delete';
}

/** Changes the payload of a vector that is there; its components stay. */
export interface PayloadOperation extends OperationHead {
  /** `merge_payload` is a JSON merge patch (RFC 7396), `replace_payload` the whole new payload. */
  readonly type: 'merge_payload' | 'replace_payload';
  /** UTF-8 JSON text of an object. */
  readonly payload: Uint8Array;
}

export type VectorOperation = PutOperation | DeleteOperation | PayloadOperation;

interface MutationHead {
  readonly operationId: OperationId;
  readonly code: EmbeddingCode;
  readonly partition: Partition;
}

/** A mutation that its caller may repeat under an idempotency key. */
interface RepeatableHead extends MutationHead {
  /**
   * Names the message among all that the caller sent, whatever its content; the operation id then stands for the content too. A shard
   * that remembers the key applies nothing: it answers a repetition as the first time, and other content with `key_reused`.
   */
  readonly idempotencyId?: OperationId;
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
export interface WriteMutation extends RepeatableHead {
  readonly type: 'write';
  readonly dim: number;
  readonly operations: readonly VectorOperation[];
}

/** All fields that are declared from here on. Lists only grow, so that the longest is the newest. */
export interface DeclareMutation extends MutationHead {
  readonly type: 'declare';
  readonly fields: DeclaredFields;
}

/** Deletes every vector that passes the filter at this place in the log. */
export interface DeleteMatchingMutation extends RepeatableHead {
  readonly type: 'delete_matching';
  /** UTF-8 JSON text of a filter. */
  readonly filter: Uint8Array;
}

export type Mutation = DefineMutation | DropMutation | WriteMutation | DeclareMutation | DeleteMatchingMutation;

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
  /** The payload was changed. */
  updated: 10,
  /** The vector is not as `ifSequence` wants it. */
  conflict: 11,
  /** The merged payload would be larger or deeper than payloads may be. */
  payload_too_large: 12,
  /** The idempotency key was used for other content. */
  key_reused: 13,
} as const;
export type Outcome = keyof typeof OUTCOMES;

/** What a message with a filter did. */
export interface DeletedOutcome {
  readonly count: number;
  /** What kept the filter from being applied. */
  readonly refused?: Outcome;
}

/** What became of a message: an outcome for each of its operations, or how many vectors its filter deleted. */
export type MessageOutcomes =
  | { readonly type: 'items'; readonly outcomes: readonly Outcome[] }
  | { readonly type: 'deleted'; readonly deleted: DeletedOutcome };
