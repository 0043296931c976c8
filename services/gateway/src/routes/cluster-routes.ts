import { ROUTES, SUBJECTS, encodeVerifyOrder, parseVerifyRequest } from '@shoal/protocol';
import type { ClusterResponse, ClusterShard, HealthResponse, ReadyResponse, VerifyResponse } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';
import { ClusterAgreement } from '../cluster/agreement.ts';
import type { HeardShard } from '../cluster/cluster-view.ts';
import { requireReady } from '../cluster/readiness.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { CLUSTER_SCOPE } from '../tenancy/audit-log.ts';
import { refuseQuery } from './query-string.ts';
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
  const { bus, clock, version, mode, clusterView, placement, tenancy } = context;

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

  app.route({
    ...ROUTES.verifyReplicas,
    handler: async (request, reply): Promise<VerifyResponse> => {
      refuseQuery(request);
      const order = parseVerifyRequest(jsonBodyOf(request), bus.log.slots);
      bus.requests.announce(SUBJECTS.verify, encodeVerifyOrder(order));
      await tenancy.audit.note(CLUSTER_SCOPE, { act: 'cluster.verify', subject: 'replicas', by: request.caller.keyId, requestId: request.id });
      reply.code(202);
      return { slots: order.slots.length > 0 ? [...order.slots] : Array.from({ length: bus.log.slots }, (_, slot) => slot) };
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
