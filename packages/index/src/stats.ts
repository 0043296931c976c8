import type { Address, Kernel } from '@shoal/kernel';

export interface IndexStats {
  readonly vectorCount: number;
  /** Removed ids that were not put again. */
  readonly deletedCount: number;
  readonly memoryBytes: number;
  /** Live vectors linked into the graph. */
  readonly linkedCount: number;
  /** Whether searches can use the graph. */
  readonly graph: boolean;
}

export interface EngineStats {
  readonly indexCount: number;
  /** Bytes of engine memory in use, thread areas included. */
  readonly usedBytes: number;
  /** Bytes the memory has grown to; what indexes free is used again, not returned. */
  readonly memoryBytes: number;
  readonly memoryMaxBytes: number;
  readonly searchThreadCount: number;
  /** Searches waiting or under way. */
  readonly searchesInFlight: number;
}

/** Reads an index's figures from shared memory. */
export function readIndexStats(kernel: Kernel, index: Address): IndexStats {
  return {
    vectorCount: kernel.vectorCount(index) >>> 0,
    deletedCount: kernel.deletedCount(index) >>> 0,
    memoryBytes: kernel.memoryBytes(index) >>> 0,
    linkedCount: kernel.linkedCount(index) >>> 0,
    graph: kernel.graphReady(index) === 1,
  };
}
