/** `exact` walks the graph with full-precision distances, `flat` scans every vector, `auto` takes whichever is faster. */
export type SearchPath = 'auto' | 'exact' | 'flat';

export interface SearchRequest {
  readonly vector: Float32Array;
  /** Results wanted, 1 to 1000. */
  readonly k: number;
  /** Beam width, 1 to 4096; taken as k where it is less. */
  readonly ef: number;
  readonly path: SearchPath;
}

export interface SearchHits {
  /** Nearest first, ties by id. As many as k, or as many as live. */
  readonly ids: Uint32Array;
  /** Euclidean distance, 1 - cosine, or negated inner product. */
  readonly distances: Float32Array;
  /** The path that gave the answer: `flat` too where the graph is not built yet, or found fewer than it should. */
  readonly path: 'exact' | 'flat';
  readonly distanceComputations: number;
  /** The published stamp that the search saw: exactly the groups applied up to it. */
  readonly stamp: number;
}
