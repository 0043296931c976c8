import { ROUTES, ShoalError, parseMoveRequest, parseReplicasRequest, parseShardId, parseSlotText, type PlacementChange, type ShardId } from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonBodyOf } from '../http/request-body.ts';
import { CLUSTER_SCOPE } from '../tenancy/audit-log.ts';
import { refuseQuery } from './query-string.ts';
import { parameterOf, type RouteContext } from './route-context.ts';

/** The shard of the path. A name that cannot be one is a shard that does not exist. */
function shardOf(request: FastifyRequest): ShardId {
  try {
    return parseShardId(parameterOf(request, 'shard'));
  } catch (cause) {
    throw new ShoalError('shard_not_found', 'The cluster has no shard of this name.', { field: 'shard', cause });
  }
}

/** Drains shards, moves slots, and sets how many replicas there shall be; with the root key only. */
export function addPlacementRoutes(app: FastifyInstance, { placement, tenancy }: RouteContext): void {
  const note = (request: FastifyRequest, act: string, subject: string, detail?: { readonly [member: string]: unknown }): Promise<void> =>
    tenancy.audit.note(CLUSTER_SCOPE, { act, subject, by: request.caller.keyId, requestId: request.id, ...(detail === undefined ? {} : { detail }) });

  const drainHandler = (isDrained: boolean) => async (request: FastifyRequest): Promise<PlacementChange> => {
    refuseQuery(request);
    const shard = shardOf(request);
    const { epoch } = await placement.drain(shard, isDrained);
    await note(request, isDrained ? 'shard.drain' : 'shard.undrain', shard);
    return { epoch };
  };
  app.route({ ...ROUTES.drainShard, handler: drainHandler(true) });
  app.route({ ...ROUTES.undrainShard, handler: drainHandler(false) });

  app.route({
    ...ROUTES.moveSlot,
    handler: async (request): Promise<PlacementChange> => {
      refuseQuery(request);
      const slot = parseSlotText(parameterOf(request, 'slot'));
      const { shard } = parseMoveRequest(jsonBodyOf(request));
      const { epoch } = await placement.move(slot, shard);
      await note(request, 'slot.move', `${slot}`, { shard });
      return { epoch };
    },
  });

  app.route({
    ...ROUTES.unpinSlot,
    handler: async (request): Promise<PlacementChange> => {
      refuseQuery(request);
      const slot = parseSlotText(parameterOf(request, 'slot'));
      const { epoch } = await placement.move(slot, undefined);
      await note(request, 'slot.unpin', `${slot}`);
      return { epoch };
    },
  });

  app.route({
    ...ROUTES.setReplicas,
    handler: async (request): Promise<PlacementChange> => {
      refuseQuery(request);
      const { replicas } = parseReplicasRequest(jsonBodyOf(request));
      const { epoch } = await placement.setReplicas(replicas);
      await note(request, 'cluster.replicas', 'replicas', { replicas });
      return { epoch };
    },
  });
}
