/**
 * Weighted rendezvous hashing (Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996; weights by the
 * logarithm as in Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005): every slot ranks all shards by a score, and a shard
 * that comes or goes changes no ranking among the others.
 */
import { createHash } from 'node:crypto';
import type { ShardId, Slot } from '@shoal/protocol';

/** Higher is preferred. Over all slots, a shard comes first in proportion to its capacity. */
export function placementScore(slot: Slot, shard: ShardId, capacity: number): number {
  const digest = createHash('sha256').update(`${slot}/${shard}`).digest();
  // Strictly between 0 and 1, from 48 bits.
  const uniform = (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48;
  return -capacity / Math.log(uniform);
}
