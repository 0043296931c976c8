import { ShoalError, type EmbeddingCode, type Slot, type VectorOperation } from '@shoal/protocol';
import type { Replicas } from '../cluster/replica.ts';

/**
 * Refuses vectors that a shard would leave out, before they are logged: a writer who does not wait until they are applied would never hear of it. A shard
 * tells which embeddings found no memory lately; what it tells may be a second old, so the first writes of a shortage still get through.
 * Throws `engine_memory_full`.
 */
export function requireMemory(replicas: Pick<Replicas, 'replicasOf'>, code: EmbeddingCode, slots: Iterable<Slot>, operations: readonly VectorOperation[]): void {
  if (!operations.some(({ type }) => type === 'upsert' || type === 'insert')) return;
  for (const slot of slots) {
    for (const { shard, withoutMemory } of replicas.replicasOf(slot)) {
      if (!withoutMemory.includes(code)) continue;
      throw new ShoalError('engine_memory_full', `Shard ${shard} has no memory for more vectors of this embedding; nothing was written. Delete vectors or drop an embedding, give the shards more memory (SHOAL_ENGINE_MEMORY_MB), or add shards.`);
    }
  }
}
