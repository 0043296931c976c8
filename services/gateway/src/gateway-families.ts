import type { Bus } from '@shoal/bus';
import { gauge, type MetricFamily } from '@shoal/telemetry';
import type { ClusterView } from './cluster/cluster-view.ts';
import type { SlotDispatcher } from './reading/slot-dispatcher.ts';
import type { SlotQueries } from './reading/slot-queries.ts';
import type { LogSizes } from './log-sizes.ts';
import type { ApplyBacklog } from './writing/apply-backlog.ts';
import type { WritePath } from './writing/write-path.ts';

export interface MeasuredGateway {
  readonly dispatcher: SlotDispatcher;
  readonly queries: SlotQueries;
  readonly writePath: WritePath;
  readonly backlog: ApplyBacklog;
  readonly clusterView: ClusterView;
  readonly logSizes: LogSizes;
  readonly bus: Bus;
}

/** What a gateway tells of itself besides its operations. */
export function gatewayFamilies({ dispatcher, queries, writePath, backlog, clusterView, logSizes, bus }: MeasuredGateway): readonly MetricFamily[] {
  const { questions, askedAgain, hedged } = queries.counts;
  return [
    counter('shoal.gateway.questions', '{question}', 'Messages to replicas of slots, each counted once.', questions),
    counter('shoal.gateway.questions.asked_again', '{question}', 'Of them, those that a further replica was asked because one was slow or failed.', askedAgain),
    counter('shoal.gateway.questions.hedged', '{question}', 'Of them, those that two replicas were asked at one time, within the share that may be.', hedged),
    counter('shoal.gateway.writes.delayed', '{write}', 'Writes that waited because replicas were behind the log.', backlog.counts.delayed),
    counter('shoal.gateway.writes.refused', '{write}', 'Writes that were refused because replicas stayed too far behind the log.', backlog.counts.refused),
    gauge('shoal.gateway.searches.waiting', '{search}', 'Searches that wait for a message to their slot.', dispatcher.waiting()),
    {
      type: 'gauge', name: 'shoal.gateway.writes.waiting', unit: '{write}', description: 'Writes that wait to be durable in the log, and for shards to apply them.',
      points: Object.entries(writePath.waiting).map(([stage, value]) => ({ attributes: { 'shoal.write.stage': stage }, value })),
    },
    gauge('shoal.cluster.slots.unserved', '{slot}', 'Slots for which no shard is ready.', clusterView.unservedSlots().length),
    gauge('shoal.cluster.shards', '{shard}', 'Shards that were heard of lately.', clusterView.shards().length),
    { type: 'gauge', name: 'shoal.log.size', unit: 'By', description: 'Size of the log as the broker tells it, by stream, copies not counted. Every gateway tells the same.', points: logSizes.known().map(({ stream, bytes }) => ({ attributes: { 'shoal.log.stream': stream }, value: bytes })) },
    gauge('shoal.bus.connected', '{connection}', '1 while the bus is connected.', bus.connected() ? 1 : 0),
  ];
}

function counter(name: string, unit: string, description: string, value: number): MetricFamily {
  return { type: 'counter', name, unit, description, points: [{ attributes: {}, value }] };
}
