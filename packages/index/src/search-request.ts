/**
 * `exact` walks the graph with full-precision distances, `rabitq` with codes and then computes the exact distances of the best,
 * `flat` scans every vector, `auto` takes whichever is fastest for the index. An index that keeps codes alone walks on them for `exact` too, and
 * for `flat` scans them, then computes exact distances until no other estimate can, by the errors met, belong among the nearest.
 */
export type SearchPath = 'auto' | 'exact' | 'rabitq' | 'flat';

/**
 * How a filter is applied: `scan` reads every allowed vector, `two-hop` walks the graph from allowed to allowed vector through the lists of
 * the others, `gated` walks everything and answers with what is allowed.
 */
export type FilterStrategy = 'scan' | 'two-hop' | 'gated';

/** The ids that may be answered. It must not change before the search has settled; searches under way share one that is passed to several. */
export interface IdFilter {
  /** A bitset: id 32 w + b is allowed if bit b of word w is set. Ids beyond it are not. At most 2^24 bits. */
  readonly allowed: Uint32Array;
  /**
   * The published stamp that the bitset was made at (`publishedStamp`): the search sees the index as it was then, though later groups may be visible
   * by the time it runs, so that a vector that was replaced meanwhile is not missed. Without it, as it is when the search runs.
   */
  readonly stamp?: number;
  /** By default the cheapest for the number of allowed ids, counted anew for each search. An index without a graph is always scanned. */
  readonly strategy?: FilterStrategy;
}

/** How to search, whatever for. */
export interface SearchSettings {
  /** Results wanted, 1 to 1000. */
  readonly k: number;
  /** Beam width, 1 to 4096; taken as k where it is less. */
  readonly ef: number;
  /** `rabitq` only on an index with codes. */
  readonly path: SearchPath;
  /** On codes: candidates per result whose exact distances decide, 1 to 64; the default depends on the bits. */
  readonly rerank?: number;
  /** Fewer allowed live vectors than k are all answered. */
  readonly filter?: IdFilter;
}

export interface SearchRequest extends SearchSettings {
  readonly vector: Float32Array;
}

export interface SearchHits {
  /** Nearest first, ties by id. As many as k, or as many as live and are allowed. */
  readonly ids: Uint32Array;
  /** Euclidean distance, 1 - cosine, or negated inner product. */
  readonly distances: Float32Array;
  /** The path that gave the answer: `flat` too where the graph is not built yet, or found fewer than it should. */
  readonly path: 'exact' | 'rabitq' | 'flat';
  /** Candidates whose vectors are no more, for a filter's stamp that is older than the search: they are not among the hits. */
  readonly goneCount: number;
  /** What was done with the filter; `none` without one. */
  readonly strategy: FilterStrategy | 'none';
  /** Estimates and exact distances: what the search cost. */
  readonly distanceComputations: number;
  /** The published stamp that the search saw: exactly the groups applied up to it. */
  readonly stamp: number;
}
