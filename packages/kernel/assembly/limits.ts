// The bounds that size every scratch area. The host refuses a request beyond them before it reaches the kernel.

export const MAX_DIM: u32 = 8192;
export const MAX_K: u32 = 1000;
export const MAX_EF: u32 = 4096;
export const MAX_M: u32 = 64;
export const MAX_VECTORS: u32 = 1 << 24;

/** Entries of the candidate pool: nodes that only route may take as many places as results, and some more. */
export const POOL_CAPACITY: u32 = 2 * MAX_EF + 256;

/** Visited bitmap words remembered for clearing; a search that touches more clears the whole bitmap instead. */
export const TOUCHED_CAPACITY: u32 = 65536;

/** A segment of an arena stops doubling at this size. */
export const SEGMENT_BYTES_MAX: u32 = 4 << 20;

/** Backlog vectors that one insert links while the graph of a formerly flat index is being built. */
export const BACKLOG_LINKS_PER_PUT: u32 = 8;

/** Beam widths of the searches that find the in-neighbours of a removed vector. */
export const REPAIR_EF_BASE: u32 = 96;
export const REPAIR_EF_UPPER: u32 = 128;

/** Replacement edges one in-neighbour of a removed vector may gain (IP-DiskANN, arXiv 2502.13826). */
export const REPAIR_EDGES_MAX: u32 = 3;

/** Highest layer a vector can have; the layer's probability is m^-layer. */
export const MAX_LAYER: u32 = 24;

/** Vectors whose mean is the centre of the codes; with fewer than the least number it is the origin. */
export const CENTRE_VECTORS_MIN: u32 = 64;
export const CENTRE_VECTORS_MAX: u32 = 4096;

/** Candidates re-ranked per result at most. */
export const MAX_RERANK: u32 = 64;

/** Candidates by estimate that an index of codes alone answers at most: a scan that nothing settles reads as many vectors. */
export const MAX_CANDIDATES: u32 = 4096;

/** Walks that one thread takes in step at most: while the records of one are on their way from memory, those of the others are. */
export const MAX_LANES: u32 = 4;
