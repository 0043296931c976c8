import type { Registry } from '@shoal/bus';
import { parseShardId, type PlacementMap, type Replica, type ShardId } from '@shoal/protocol';
import { PLACEMENT_LIMITS } from './limits.ts';
import { PROGRESS_PREFIX } from './replica-progress.ts';

/** The map of a cluster that had none: shards that have rows of a slot already are to go on holding it. */
export async function firstMap(registry: Registry, options: { readonly slots: number; readonly replicas: number; readonly members: ReadonlySet<ShardId> }): Promise<PlacementMap> {
  const slots: Replica[][] = Array.from({ length: options.slots }, () => []);
  for (const { key } of await registry.list(PROGRESS_PREFIX, PLACEMENT_LIMITS.progressEntries)) {
    const [slotText = '', ...name] = key.slice(PROGRESS_PREFIX.length + 1).split('.');
    const shard = parseShardId(name.join('.'));
    if (options.members.has(shard)) slots[Number(slotText)]?.push({ shard, state: 'joining' });
  }
  return { epoch: 1, replicas: options.replicas, drained: [], pins: new Map(), slots };
}
