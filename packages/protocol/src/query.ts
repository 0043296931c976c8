/**
 * Queries: what a gateway asks of the shards that own a slot, on the subject of that slot.
 * All items of one message concern the same slot. Deadlines travel as milliseconds left, so clocks need not agree.
 */
import type { ErrorCode } from './error-registry.ts';
import type { EmbeddingCode, Partition, Sequence, ShardId, Slot, VectorKey } from './ids.ts';
import type { DeletedOutcome, Outcome } from './mutation.ts';
import type { SlotContent } from './slot-content.ts';

export const SEARCH_PATHS = ['auto', 'exact', 'rabitq', 'flat'] as const;
export type SearchPath = (typeof SEARCH_PATHS)[number];

export interface SearchItem {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly vector: Float32Array;
  readonly k: number;
  readonly ef: number;
  readonly path: SearchPath;
  /** Candidates per result whose exact distances decide; 0 leaves it to the index. */
  readonly rerank: number;
  /** The answer must include everything of this slot up to here; 0 asks for nothing. */
  readonly after: Sequence;
  readonly timeoutMs: number;
  readonly includeValues: boolean;
  readonly includePayload: boolean;
  /** UTF-8 JSON text of a filter that hits must pass. */
  readonly filter?: Uint8Array;
  /** Hits farther away than this are left out. */
  readonly maxDistance?: number;
}

export interface SearchHit {
  readonly key: VectorKey;
  readonly distance: number;
  readonly values?: Float32Array;
  /** UTF-8 JSON text. */
  readonly payload?: Uint8Array;
}

export interface ItemFailure {
  readonly ok: false;
  readonly error: ErrorCode;
  readonly message: string;
}

export interface SearchAnswer {
  readonly ok: true;
  /** Everything of the slot up to here is in the answer. */
  readonly appliedSequence: Sequence;
  /** The path that was really taken. */
  readonly path: 'exact' | 'rabitq' | 'flat';
  readonly distanceComputations: number;
  /** Nearest first; at most k. */
  readonly hits: readonly SearchHit[];
}

export interface FetchItem {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly key: VectorKey;
  readonly after: Sequence;
  readonly timeoutMs: number;
  /** Whether the answer tells the sequence of the vector. */
  readonly includeSequence?: true;
}

export interface FetchAnswer {
  readonly ok: true;
  readonly appliedSequence: Sequence;
  /** Absent when no vector has the key. */
  readonly vector?: {
    readonly values: Float32Array;
    readonly payload?: Uint8Array;
    /** Of the last message that changed the vector or its payload. */
    readonly sequence?: Sequence;
  };
}

/** How many vectors pass a filter; without one, how many there are. */
export interface CountItem {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly after: Sequence;
  readonly timeoutMs: number;
  readonly filter?: Uint8Array;
}

export interface CountAnswer {
  readonly ok: true;
  readonly appliedSequence: Sequence;
  readonly count: number;
}

/** The vectors that pass a filter, in the order of their keys (as bytes of UTF-8), from after a key on. */
export interface ScrollItem extends CountItem {
  readonly afterKey?: VectorKey;
  readonly limit: number;
  readonly includeValues: boolean;
  readonly includePayload: boolean;
}

export interface ScrolledVector {
  readonly key: VectorKey;
  readonly sequence: Sequence;
  readonly values?: Float32Array;
  readonly payload?: Uint8Array;
}

export interface ScrollAnswer {
  readonly ok: true;
  readonly appliedSequence: Sequence;
  readonly vectors: readonly ScrolledVector[];
  /** Everything up to this key has been looked at; absent at the end. */
  readonly scannedTo?: VectorKey;
}

/** Waits until the slot has applied a sequence, and returns what became of the message there. */
export interface AwaitAppliedItem {
  readonly sequence: Sequence;
  readonly timeoutMs: number;
}

export interface AwaitAppliedAnswer {
  readonly ok: true;
  readonly appliedSequence: Sequence;
  /** One per operation of the message at that sequence; absent when the slot no longer remembers it. */
  readonly outcomes?: readonly Outcome[];
  /** In place of outcomes where the message deleted by a filter. */
  readonly deleted?: DeletedOutcome;
}

export interface PartitionStatsItem {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly timeoutMs: number;
}

export interface PartitionStatsAnswer {
  readonly ok: true;
  readonly appliedSequence: Sequence;
  readonly vectorCount: number;
  readonly deletedCount: number;
  readonly memoryBytes: number;
  readonly graph: boolean;
}

export type QueryRequest =
  | { readonly type: 'search'; readonly items: readonly SearchItem[] }
  | { readonly type: 'fetch'; readonly items: readonly FetchItem[] }
  | { readonly type: 'await-applied'; readonly items: readonly AwaitAppliedItem[] }
  | { readonly type: 'partition-stats'; readonly items: readonly PartitionStatsItem[] }
  | { readonly type: 'count'; readonly items: readonly CountItem[] }
  | { readonly type: 'scroll'; readonly items: readonly ScrollItem[] };

/** One answer per item, in the order of the items. */
export type QueryResponse =
  | { readonly type: 'search'; readonly items: readonly (SearchAnswer | ItemFailure)[] }
  | { readonly type: 'fetch'; readonly items: readonly (FetchAnswer | ItemFailure)[] }
  | { readonly type: 'await-applied'; readonly items: readonly (AwaitAppliedAnswer | ItemFailure)[] }
  | { readonly type: 'partition-stats'; readonly items: readonly (PartitionStatsAnswer | ItemFailure)[] }
  | { readonly type: 'count'; readonly items: readonly (CountAnswer | ItemFailure)[] }
  | { readonly type: 'scroll'; readonly items: readonly (ScrollAnswer | ItemFailure)[] };

/** A shard announces itself with this, once a second and after every change, on SUBJECTS.shardStatus. */
export interface ShardStatus {
  readonly shard: ShardId;
  readonly version: string;
  /** Increases with every announcement of one run; `startedAtMs` tells runs apart. */
  readonly count: number;
  readonly startedAtMs: number;
  readonly slots: readonly SlotStatus[];
  readonly engineMemoryBytes: number;
  readonly engineMemoryMaxBytes: number;
  /** Epoch of the placement map that the shard has adopted; absent where its slots are given by its settings. */
  readonly mapEpoch?: number;
}

export interface SlotStatus {
  readonly slot: Slot;
  readonly ready: boolean;
  /** Whether another replica is ahead by some time: it answers, but only whom no other replica can answer. */
  readonly lagging?: true;
  readonly appliedSequence: Sequence;
  readonly setAsideCount: number;
  readonly embeddingCount: number;
  readonly vectorCount: number;
  /** Embeddings whose last writes found no memory here, at most LIMITS.embeddingsWithoutMemory; absent when there are none. */
  readonly withoutMemory?: readonly EmbeddingCode[];
  /** Messages of the log that the shard has still to apply, as far as it knows. */
  readonly pendingCount?: number;
  /** Absent while the slot is being recovered, and from shards of earlier releases. */
  readonly content?: SlotContent;
}
