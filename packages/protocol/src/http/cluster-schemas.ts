/** Answers about the state of the cluster. */
import { Type } from 'typebox';
import { REPLICA_VERDICTS } from '../replica-agreement.ts';
import { closed, oneOf } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });

const SlotContentSchema = closed(
  {
    digest: Type.String({ description: 'Digest of everything the slot holds at its applied sequence; the same on every replica there.', examples: ['9adb0148dc4195e7'] }),
    agreement: oneOf(REPLICA_VERDICTS, 'alone: there is nothing to compare with; agrees: with the other replicas, or with most; outvoted: most others agree on another content, and the slot is rebuilt; disputed: there is no majority.'),
    comparedSequence: count('The newest sequence at which another replica was known.'),
    differsFrom: Type.Array(Type.String(), { description: 'Shards whose replica held another content there.' }),
    verifications: count('How often all rows were read again and gave their digest, since the process started.'),
    verifiedSequence: Type.Optional(count('Applied sequence when the last of them began.')),
    rebuildCount: count('How often the slot was rebuilt since it last agreed with another replica.'),
  },
  'What the slot holds, compared with the other replicas and with what was written.',
);

const SlotSchema = closed(
  {
    slot: count('Index of the slot.'),
    ready: Type.Boolean({ description: 'Whether the shard answers for the slot.' }),
    lagging: Type.Optional(Type.Literal(true, { description: 'Another replica of the slot is ahead by some time; this one is asked last.' })),
    appliedSequence: count('The shard has applied the log of the slot up to here.'),
    lastSequence: Type.Optional(count('Last message of the slot in the log, where known; the difference is the lag.')),
    pendingCount: Type.Optional(count('Messages of the slot that the shard has still to apply, when it last looked.')),
    setAsideCount: count('Messages that could not be applied and were set aside.'),
    embeddingCount: count('Embeddings with a partition in the slot.'),
    vectorCount: count('Vectors in the slot.'),
    content: Type.Optional(SlotContentSchema),
  },
  'A slot as one shard holds it.',
);

const ShardSchema = closed(
  {
    shard: Type.String({ description: 'Name of the shard.', examples: ['shard-0'] }),
    version: Type.String({ description: 'Release of the shard.' }),
    ready: Type.Boolean({ description: 'Whether it is ready in every slot that it owns.' }),
    lastSeenMs: Type.Number({ minimum: 0, description: 'Milliseconds since its last announcement.' }),
    slots: Type.Array(SlotSchema),
    engineMemoryBytes: count('Memory that indexes take.'),
    engineMemoryMaxBytes: count('Memory that indexes may take.'),
  },
  'A shard, as it last announced itself.',
);

const ReplicaSchema = closed(
  {
    shard: Type.String({ description: 'Name of the shard.' }),
    state: oneOf(['joining', 'ready', 'leaving'], 'joining: restores and replays the slot. leaving: others have it, and this shard gives it up.'),
    answers: Type.Boolean({ description: 'Whether the shard says that it answers for the slot.' }),
    appliedSequence: Type.Optional(count('The shard has applied the log of the slot up to here; absent when it is silent.')),
    pendingCount: Type.Optional(count('Messages that it has still to apply, when it last looked.')),
  },
  'A replica of a slot.',
);

const PlacementSchema = closed(
  {
    epoch: count('Grows with every change of the map.'),
    replicas: count('Replicas that each slot shall have, on different shards.'),
    members: Type.Array(
      closed(
        {
          shard: Type.String({ description: 'Name of the shard.' }),
          present: Type.Boolean({ description: 'Whether this gateway heard the shard lately.' }),
          drained: Type.Boolean({ description: 'Whether it shall hold no slot.' }),
          capacity: Type.Optional(count('It takes slots in proportion to this; absent when its lease ran out.')),
          slotCount: count('Slots that the map gives it.'),
          mapEpoch: Type.Optional(count('Epoch of the map that the shard follows.')),
        },
        'A shard with a lease or slots.',
      ),
    ),
    slots: Type.Array(
      closed(
        { slot: count('Index of the slot.'), pinned: Type.Optional(Type.String({ description: 'Shard that an operator chose for it.' })), replicas: Type.Array(ReplicaSchema) },
        'A slot and who holds it.',
      ),
    ),
  },
  'The map of slots and shards; absent where the slots of every shard are given by its settings.',
);

const ShardNameSchema = Type.String({ description: 'Name of a shard.', examples: ['shard-2'] });
export const ShardParamsSchema = closed({ shard: ShardNameSchema }, 'Which shard.');
export const SlotParamsSchema = closed({ slot: Type.String({ pattern: '^[0-9]{1,4}$', description: 'Index of the slot.' }) }, 'Which slot.');
export const MoveRequestSchema = closed({ shard: ShardNameSchema }, 'The shard that shall hold a replica of the slot.');
export const ReplicasRequestSchema = closed({ replicas: Type.Integer({ minimum: 1, description: 'Replicas that each slot shall have.' }) }, 'How many replicas.');
export const PlacementChangeSchema = closed({ epoch: count('Epoch of the map with the change.') }, 'The change is in the map; slots follow it in the background.');
export type PlacementChange = JsonOf<typeof PlacementChangeSchema>;

export const VerifyRequestSchema = closed(
  { slots: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1, description: 'All slots when absent.', examples: [[0, 17]] })) },
  'Which slots are to be read.',
);
export const VerifyResponseSchema = closed(
  { slots: Type.Array(Type.Integer({ minimum: 0 }), { description: 'The slots that are read again.' }) },
  'Every shard was told. GET /v1/cluster shows by `verifications` who has read its rows, and by `agreement` whether replicas hold the same.',
);
export type VerifyResponse = JsonOf<typeof VerifyResponseSchema>;

const BUS_KINDS = ['embedded', 'nats', 'sim'] as const;

export const ClusterResponseSchema = closed(
  {
    version: Type.String({ description: 'Release of the gateway that answers.' }),
    mode: oneOf(['embedded', 'cluster'], 'embedded: gateway and shard in one process.'),
    bus: closed(
      {
        kind: oneOf(BUS_KINDS, 'What carries log and requests.'),
        description: Type.String({ description: 'For people; never holds credentials.', examples: ['nats://127.0.0.1:4222 (2.12.0)'] }),
        connected: Type.Boolean(),
      },
      'The message bus.',
    ),
    slots: count('Slots of the cluster.'),
    gateways: Type.Optional(Type.Array(closed({ gateway: Type.String(), version: Type.String() }, 'A gateway.'))),
    shards: Type.Array(ShardSchema),
    placement: Type.Optional(PlacementSchema),
    unservedSlots: Type.Array(Type.Integer({ minimum: 0 }), { description: 'Slots for which no shard is ready.' }),
  },
  'The cluster as this gateway sees it.',
);
export type ClusterResponse = JsonOf<typeof ClusterResponseSchema>;
export type ClusterPlacement = JsonOf<typeof PlacementSchema>;
export type ClusterShard = ClusterResponse['shards'][number];
export type ClusterSlot = ClusterShard['slots'][number];

export const HealthResponseSchema = closed({ status: Type.Literal('ok'), version: Type.String() }, 'The process is alive.');
export type HealthResponse = JsonOf<typeof HealthResponseSchema>;

export const ReadyResponseSchema = closed({ status: Type.Literal('ready') }, 'Requests are served; otherwise the answer is the problem not_ready.');
export type ReadyResponse = JsonOf<typeof ReadyResponseSchema>;
