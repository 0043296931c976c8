import type { IndexSpec } from './index-spec.ts';
import type { EngineStats } from './stats.ts';
import type { VectorIndex } from './vector-index.ts';

/** What a shard needs of an engine: indexes that share one memory. `Engine` runs them on threads of their own. */
export interface VectorEngine {
  /** Rejects with EngineMemoryFullError or EngineClosedError. */
  openIndex(spec: IndexSpec): Promise<VectorIndex>;
  /** The index that `VectorIndex.exportTo` wrote to a file. Rejects with IndexFileError where the file cannot be used; with EngineMemoryFullError or IndexFileFailedError. */
  importIndex(spec: IndexSpec, path: string): Promise<VectorIndex>;
  stats(): EngineStats;
  /** Ends searches and groups under way, then everything else. */
  close(): Promise<void>;
}
