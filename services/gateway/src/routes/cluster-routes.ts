import { ROUTES } from '@shoal/protocol';
import type { ClusterResponse, ClusterShard, HealthResponse, ReadyResponse } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';
import { ClusterAgreement } from '../cluster/agreement.ts';
import type { HeardShard } from '../cluster/cluster-view.ts';
import { requireReady } from '../cluster/readiness.ts';
import type { RouteContext } from './route-context.ts';

function shardToJson({ status, lastSeenMs }: HeardShard, agreement: ClusterAgreement, nowMs: number): ClusterShard {
  const { shard, version, slots, engineMemoryBytes, engineMemoryMaxBytes } = status;
  return {
    shard,
    version,
    ready: slots.every(({ ready }) => ready),
    lastSeenMs: Math.max(0, nowMs - lastSeenMs),
    slots: slots.map((slot) => agreement.slotToJson(shard, slot)),
    engineMemoryBytes,
    engineMemoryMaxBytes,
  };
}

/** The state of the cluster and of this process. */
export function addClusterRoutes(app: FastifyInstance, context: RouteContext): void {
  const { bus, clock, version, mode, clusterView, placement } = context;

  app.route({
    ...ROUTES.getCluster,
    handler: async (): Promise<ClusterResponse> => {
      const nowMs = clock.nowMs();
      const shards = clusterView.shards();
      const agreement = new ClusterAgreement(shards);
      const placed = await placement.describe(shards);
      return {
        version,
        mode,
        bus: { kind: bus.kind, description: bus.description, connected: bus.connected() },
        slots: bus.log.slots,
        shards: shards.map((shard) => shardToJson(shard, agreement, nowMs)),
        ...(placed === undefined ? {} : { placement: placed }),
        unservedSlots: clusterView.unservedSlots(),
      };
    },
  });

  app.route({ ...ROUTES.healthz, handler: async (): Promise<HealthResponse> => ({ status: 'ok', version }) });

  app.route({
    ...ROUTES.readyz,
    handler: async (): Promise<ReadyResponse> => {
      requireReady(context);
      return { status: 'ready' };
    },
  });
}
