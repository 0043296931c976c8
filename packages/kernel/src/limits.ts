// The kernel's bounds, as in assembly/limits.ts; a test holds the two together.

export const MAX_DIM = 8192;
export const MAX_K = 1000;
export const MAX_EF = 4096;
export const MIN_M = 2;
export const MAX_M = 64;
/** Candidates re-ranked per result. */
export const MAX_RERANK = 64;
/** Candidates that an index of codes alone answers at most. */
export const MAX_CANDIDATES = 4096;
export const MAX_VECTORS = 1 << 24;
/** Searches of one call that a thread walks in step. */
export const MAX_LANES = 4;

export const PAGE_BYTES = 65_536;
/** One page short of 4 GiB, so that an address one past the end still fits 32 bits. */
export const MEMORY_PAGES_MAX = 65_535;
/** Pages a memory starts with; it grows as needed. */
export const MEMORY_PAGES_FIRST = 16;
