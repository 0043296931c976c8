import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterResponse, ShoalClient } from '@shoal/client';

export type Placement = NonNullable<ClusterResponse['placement']>;

export const slotCountOf = (placement: Placement, shard: string): number => placement.members.find((member) => member.shard === shard)?.slotCount ?? 0;

/** Whether every slot has its replicas, each of them ready and answering, on shards that are not drained. */
export function isSettled({ members, replicas, slots }: Placement): boolean {
  const open = members.filter(({ present, drained }) => present && !drained).length;
  const wanted = Math.min(replicas, open);
  return slots.every((slot) => slot.replicas.length === wanted && slot.replicas.every(({ state, answers }) => state === 'ready' && answers));
}

/** The placement when `condition` holds and nothing is on its way. */
export async function settled(client: ShoalClient, condition: (placement: Placement) => boolean = () => true, timeoutMs = 600_000): Promise<Placement> {
  const endMs = performance.now() + timeoutMs;
  let last: Placement | undefined;
  while (performance.now() < endMs) {
    last = (await client.cluster()).placement;
    if (last !== undefined && isSettled(last) && condition(last)) return last;
    await sleep(100);
  }
  throw new Error(`the slots did not come to rest within ${timeoutMs} ms: ${JSON.stringify(last)}`);
}
