import type { EngineStats, IndexStats, SearchHits, VectorEngine, VectorIndex } from '@shoal/index';

const NO_INDEX: IndexStats = { vectorCount: 0, deletedCount: 0, memoryBytes: 0, linkedCount: 0, graph: false };

/** An index that takes everything and keeps nothing: a slot that is only rebuilt is not searched. */
class IdleIndex implements VectorIndex {
  async apply(): Promise<void> {}

  async search(): Promise<SearchHits> {
    throw new Error('a slot that is rebuilt from a backup is not searched');
  }

  async searchMany(): Promise<SearchHits[]> {
    throw new Error('a slot that is rebuilt from a backup is not searched');
  }

  async quiesce(): Promise<void> {}

  publishedStamp(): number {
    return 0;
  }

  stats(): IndexStats {
    return NO_INDEX;
  }

  has(): boolean {
    return false;
  }

  async exportTo(): Promise<number> {
    throw new Error('an index that keeps nothing is not written to a file');
  }

  async drop(): Promise<void> {}
}

export class IdleEngine implements VectorEngine {
  async openIndex(): Promise<VectorIndex> {
    return new IdleIndex();
  }

  async importIndex(): Promise<VectorIndex> {
    return new IdleIndex();
  }

  stats(): EngineStats {
    return { indexCount: 0, usedBytes: 0, memoryBytes: 0, memoryMaxBytes: 0, searchThreadCount: 0, searchesInFlight: 0 };
  }

  async close(): Promise<void> {}
}
