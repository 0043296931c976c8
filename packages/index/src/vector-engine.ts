import type { IndexSpec } from './index-spec.ts';
import type { EngineStats } from './stats.ts';
import type { VectorIndex } from './vector-index.ts';
import type { VectorSource } from './vector-source.ts';

/** What a shard needs of an engine: indexes that share one memory. `Engine` runs them on threads of their own. */
export interface VectorEngine {
  /** An index that keeps codes alone needs to know where its vectors are. Rejects with EngineMemoryFullError or EngineClosedError. */
  openIndex(spec: IndexSpec, vectors?: VectorSource): Promise<VectorIndex>;
  /** The index that `VectorIndex.exportTo` wrote to a file. Rejects with IndexFileError where the file cannot be used; with EngineMemoryFullError or IndexFileFailedError. */
  importIndex(spec: IndexSpec, path: string, vectors?: VectorSource): Promise<VectorIndex>;
  stats(): EngineStats;
  /** Ends searches and groups under way, then everything else. */
  close(): Promise<void>;
}
