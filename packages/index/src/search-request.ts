/**
 * `exact` walks the graph with full-precision distances, `rabitq` with codes and then computes the exact distances of the best,
 * `flat` scans every vector, `auto` takes whichever is fastest for the index.
 */
export type SearchPath = 'auto' | 'exact' | 'rabitq' | 'flat';

export interface SearchRequest {
  readonly vector: Float32Array;
  /** Results wanted, 1 to 1000. */
  readonly k: number;
  /** Beam width, 1 to 4096; taken as k where it is less. */
  readonly ef: number;
  /** `rabitq` only on an index with codes. */
  readonly path: SearchPath;
  /** On codes: candidates per result whose exact distances decide, 1 to 64; the default depends on the bits. */
  readonly rerank?: number;
}

export interface SearchHits {
  /** Nearest first, ties by id. As many as k, or as many as live. */
  readonly ids: Uint32Array;
  /** Euclidean distance, 1 - cosine, or negated inner product. */
  readonly distances: Float32Array;
  /** The path that gave the answer: `flat` too where the graph is not built yet, or found fewer than it should. */
  readonly path: 'exact' | 'rabitq' | 'flat';
  readonly distanceComputations: number;
  /** The published stamp that the search saw: exactly the groups applied up to it. */
  readonly stamp: number;
}
