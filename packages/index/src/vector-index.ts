import type { IndexOp } from './index-op.ts';
import type { SearchHits, SearchRequest, SearchSettings } from './search-request.ts';
import type { IndexStats } from './stats.ts';

/** One index of an engine. Groups apply in the order of the calls; a search sees whole groups only. */
export interface VectorIndex {
  /**
   * Applies a group in one visible step. Rejects with EngineMemoryFullError, EngineOverloadedError or EngineClosedError with nothing
   * of the group visible; with an AssertionError for operations that contradict the index (put of a live id, remove of another).
   * Waits while other groups take all the room on the way to the writer: the vectors must not change before it settled.
   */
  apply(ops: readonly IndexOp[]): Promise<void>;
  /** Searches on a search thread. Rejects with EngineOverloadedError or EngineClosedError. */
  search(request: SearchRequest): Promise<SearchHits>;
  /**
   * One answer per query of `dim` floats in `queries`, spread over the search threads; each tells the stamp that it saw. `queries` must not change before it has
   * settled. At most BATCH_QUERIES_MAX; rejects as `search` does, then with no answer at all.
   */
  searchMany(queries: Float32Array, settings: SearchSettings): Promise<SearchHits[]>;
  /** Resolves when every search dispatched before this call has settled and its consumers ran. */
  quiesce(): Promise<void>;
  /** The stamp that a search which runs now would see. */
  publishedStamp(): number;
  stats(): IndexStats;
  /** Whether an id lives after the groups applied so far. */
  has(id: number): boolean;
  /**
   * Writes the index, which has a graph, to a file, while searches and groups go on. Groups that were applied before the call are in it
   * whole; what later ones changed may be in it in part, and is to be removed and put again after the file was read. Resolves with the
   * bytes of the file when all of it is on the disk; rejects with IndexFileFailedError, also when the signal aborts
   * or the index is dropped, or with EngineClosedError.
   */
  exportTo(path: string, signal?: AbortSignal): Promise<number>;
  /** Frees the index's memory after its groups and searches under way have settled. */
  drop(): Promise<void>;
}
