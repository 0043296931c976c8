export type Distance = 'cosine' | 'l2' | 'dot';

export type CodeBits = 1 | 2 | 4 | 8;

/**
 * What stays in memory: `full` keeps the vectors and their codes; `codes` the codes alone, and whoever opens the index hands in where its
 * vectors are read.
 */
export type VectorMemory = 'full' | 'codes';

/** The codes of an index (RaBitQ): a vector takes bits * dim / 8 bytes, rounded up to 16, and 16 more. */
export interface CodeSpec {
  /** Bits per dimension. */
  readonly bits: CodeBits;
  /** Unsigned 32-bit; decides the rotation, so replicas must agree on it. */
  readonly seed: number;
  /** Default `full`. */
  readonly memory?: VectorMemory;
}

/** What an index is; fixed for its life. */
export interface IndexSpec {
  /** Components of every vector, 1 to 8192. */
  readonly dim: number;
  readonly distance: Distance;
  /** Neighbours chosen per vector and layer, 2 to 64; layer 0 holds up to twice as many. */
  readonly m: number;
  /** Beam width of an insert, 1 to 4096. */
  readonly efConstruction: number;
  /** Unsigned 32-bit; with the id it decides a vector's layer, so replicas must agree on it. */
  readonly seed: number;
  /** Up to this many live vectors the index is scanned and has no graph; default 1,024. */
  readonly flatThreshold?: number;
  /** Codes beside the full vectors or in their place, on which graphs are built and searched; without it full precision is used throughout. */
  readonly rabitq?: CodeSpec;
}
