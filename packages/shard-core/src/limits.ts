import assert from 'node:assert';
import { QUERIES_PER_REQUEST_MAX } from '@shoal/index';
import { LIMITS } from '@shoal/protocol';

/** Bounds of a slot's state, in one place. All of them are part of the deterministic state machine: changing one is a change of format. */
export const SLOT_LIMITS = {
  /** An id is given out again only after so many further operations of its partition, whatever the replica's own speed. */
  idGraceOperations: 2_048,
  /** Messages whose operation id and outcomes a slot remembers. */
  recentOperations: 16_384,
  /** Bytes of outcomes that a slot remembers; the oldest are forgotten first. */
  recentOutcomeBytes: 1024 * 1024,
  /** Messages with an idempotency key are remembered for so long by the clock of the log, and so many of them at most. */
  idempotencyMs: 24 * 60 * 60 * 1_000,
  idempotencyEntries: 1 << 20,
} as const;

/**
 * Vector operations applied in one step. Half the grace period, so that no id is freed and given out again inside one step,
 * and a reader can tell from the count of operations that none was given out again under it; at least one message.
 */
export const RUN_OPERATIONS = 1_024;
assert(RUN_OPERATIONS * 2 <= SLOT_LIMITS.idGraceOperations && RUN_OPERATIONS >= LIMITS.mutationOperations);

/** Where replicas compare their digests; a change of the numbers only makes replicas of two releases meet less often. */
export const SLOT_DIGESTS = {
  /** Multiples of these sequences of the stream carry a digest. */
  everySequences: [256, 2_048, 16_384, 131_072],
  keptPerLevel: 2,
} as const;

/** Bounds that do not shape the state, only the pace. */
export const PACE = {
  /** Vectors put into an index in one step while recovering. */
  recoverGroupVectors: 1_000,
  /** Requests that may wait for a sequence at once in one slot. */
  appliedWaiters: 10_000,
  /** Searches of one message that take their tenant's turn together: as many as the engine takes in one go. */
  searchesTogether: QUERIES_PER_REQUEST_MAX,
  /** A search whose rows went away under it is run again at most so often. */
  searchAttempts: 8,
  /** Runs of one partition whose vectors are held for searches that began before they were written. */
  heldRuns: 8,
  /** Payloads read in one go while a field is filled. */
  fillPagePayloads: 500,
  /** Filters of one partition whose ids are kept for the next search. */
  cachedFilters: 8,
  /** Keys looked at in one go while scrolling, and in one request. */
  scrollPageKeys: 1_000,
  scrollKeys: 10_000,
  /** Up to so many vectors that pass a filter are put in order in memory; more are met while all keys are read in order. */
  scrollSortedKeys: 20_000,
  /** Bytes of vectors and payloads in one page of a scroll, which may pass this by one group of rows. */
  scrollAnswerBytes: 8 * 1024 * 1024,
  scrollGroupRows: 100,
} as const;

/** When indexes are written to files. Shares are of a partition's vectors. */
export const CHECKPOINT_PACE = {
  /** Fewer operations than these are never worth a file. */
  operationsMin: 256,
  /** Operations since the last file that make another one due, at any time and when writing is wanted soon. */
  growthShare: 1 / 2,
  soonShare: 1 / 64,
  /** Changed ids from which on an index is built rather than mended. */
  rebuildShare: 1,
  /** Operations after which changes are no longer noted for a file that cannot be replaced. */
  giveUpShare: 2,
} as const;
