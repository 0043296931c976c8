// Every bound of the host. Those of the kernel are in @shoal/kernel.

/** Operations in one group. */
export const GROUP_OPS_MAX = 65_536;
/** Vector bytes in one group. */
export const GROUP_VECTOR_BYTES_MAX = 1 << 28;
/** Groups accepted and not yet applied, over all indexes of an engine. */
export const GROUPS_IN_FLIGHT_MAX = 4096;
/** Vector bytes of the groups handed to the writer and not yet applied; a single group may be larger. Groups beyond wait their turn. */
export const GROUP_BYTES_IN_FLIGHT_MAX = 1 << 28;
/** Operations the writer applies to one index before it looks at the others. */
export const SLICE_OPS = 64;
/** Ids per call of the kernel's reserve. */
export const RESERVE_IDS = 4096;

/** Vectors of a first group whose mean is the centre of an index that keeps codes alone. */
export const CENTRE_SAMPLE = 1024;

/** Share of the memory's limit that the areas for walks in step may take; where they would take more, each thread has one. */
export const LANES_MEMORY_SHARE = 1 / 4;

/** Request places of one search thread; it gets no more queries while it has as many. */
export const SLOTS_PER_THREAD = 64;
/** Queries that one request to a search thread carries: one crossing into the kernel, whose answers come together. */
export const QUERIES_PER_REQUEST_MAX = 16;
/** Searches that wait for a place, over all threads; a batch counts as one. */
export const SEARCHES_WAITING_MAX = 2048;
export const SEARCH_THREADS_MAX = 64;

/** What a search that the calling thread does by itself reads at most: the width of its beam, or the vectors of a scan, times the dimension. */
export const OWN_COMPONENTS_MAX = 1 << 17;
/** Batches that wait for the calling thread within a step of its event loop. */
export const OWN_WAITING_MAX = 256;
/** Milliseconds of one turn of the event loop in which the calling thread begins searches by itself. */
export const OWN_TURN_MS = 2;
/** A call into the kernel that took so many milliseconds was a long one; the calling thread does no other by itself for so many times as long. */
export const OWN_LONG_MS = 10;
export const OWN_REST = 20;
/** How often the calling thread looks at the processor time that it takes, in milliseconds, and between which shares of a processor it holds it. */
export const OWN_LOOK_MS = 50;
export const OWN_CPU_LOW = 0.65;
export const OWN_CPU_HIGH = 0.85;
/** How the share of turns in which it searches by itself falls and rises at each look; below the least share it is none. */
export const OWN_SHARE_FALL = 0.7;
export const OWN_SHARE_RISE = 0.05;
export const OWN_SHARE_LEAST = 0.05;

/** Shared memory for the filters of searches under way: this share of the limit, and at least one filter of every id. */
export const FILTER_POOL_SHARE = 1 / 16;
export const FILTER_POOL_BYTES_MIN = (1 << 21) + 64;
export const FILTER_POOL_BYTES_MAX = 1 << 24;

/** Vectors that a search of an index of codes alone reads at once, in bytes; one at least. */
export const RERANK_READ_BYTES_MAX = 1 << 22;
/** Such reads under way in one engine, and searches that wait for one. */
export const RERANK_READS_MAX = 2;
export const RERANKS_WAITING_MAX = 2048;

/** Queries in one batched search. */
export const BATCH_QUERIES_MAX = 65_536;

/** Default of IndexSpec.flatThreshold. */
export const FLAT_THRESHOLD_DEFAULT = 1024;

/** Stamps start anew from here on, long before 2^32. */
export const REBASE_STAMP = 0xf000_0000;

/** Bytes of an index's file that are copied in one turn of the writer. */
export const PIECE_BYTES = 1 << 20;
/** Bytes of an index's file that wait for the disk: whoever else waits for it waits behind them. */
export const SYNC_BYTES = 1 << 22;
