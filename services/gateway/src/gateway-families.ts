import type { Bus } from '@shoal/bus';
import { gauge, type MetricFamily } from '@shoal/telemetry';
import type { ClusterView } from './cluster/cluster-view.ts';
import type { SlotDispatcher } from './reading/slot-dispatcher.ts';

/** What a gateway tells of itself besides its operations. */
export function gatewayFamilies({ dispatcher, clusterView, bus }: { readonly dispatcher: SlotDispatcher; readonly clusterView: ClusterView; readonly bus: Bus }): readonly MetricFamily[] {
  return [
    gauge('shoal.gateway.searches.waiting', '{search}', 'Searches that wait for a message to their slot.', dispatcher.waiting()),
    gauge('shoal.cluster.slots.unserved', '{slot}', 'Slots for which no shard is ready.', clusterView.unservedSlots().length),
    gauge('shoal.cluster.shards', '{shard}', 'Shards that were heard of lately.', clusterView.shards().length),
    gauge('shoal.bus.connected', '1', '1 while the bus is connected.', bus.connected() ? 1 : 0),
  ];
}
