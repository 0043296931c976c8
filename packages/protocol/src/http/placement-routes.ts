/** The routes by which operators change which shard holds which slots. */
import { MoveRequestSchema, PlacementChangeSchema, ReplicasRequestSchema, ShardParamsSchema, SlotParamsSchema } from './cluster-schemas.ts';
import { answer, problem, type Route } from './route.ts';

const changed = { 200: answer('The map as changed; slots follow in the background.', PlacementChangeSchema), default: problem };

export const PLACEMENT_ROUTES = {
  drainShard: {
    method: 'PUT',
    url: '/v1/cluster/drains/:shard',
    config: { access: 'root' },
    schema: { operationId: 'drainShard', tags: ['cluster'], summary: 'Have a shard give up its slots once others have them, and take no more', params: ShardParamsSchema, response: changed },
  },
  undrainShard: {
    method: 'DELETE',
    url: '/v1/cluster/drains/:shard',
    config: { access: 'root' },
    schema: { operationId: 'undrainShard', tags: ['cluster'], summary: 'Let a shard take slots again', params: ShardParamsSchema, response: changed },
  },
  moveSlot: {
    method: 'PUT',
    url: '/v1/cluster/pins/:slot',
    config: { access: 'root' },
    schema: { operationId: 'moveSlot', tags: ['cluster'], summary: 'Have a shard hold a replica of a slot, whatever balance asks for', params: SlotParamsSchema, body: MoveRequestSchema, response: changed },
  },
  unpinSlot: {
    method: 'DELETE',
    url: '/v1/cluster/pins/:slot',
    config: { access: 'root' },
    schema: { operationId: 'unpinSlot', tags: ['cluster'], summary: 'Let balance decide again who holds a slot', params: SlotParamsSchema, response: changed },
  },
  setReplicas: {
    method: 'PUT',
    url: '/v1/cluster/replicas',
    config: { access: 'root' },
    schema: { operationId: 'setReplicas', tags: ['cluster'], summary: 'Change how many replicas each slot shall have', body: ReplicasRequestSchema, response: changed },
  },
} as const satisfies Record<string, Route>;
