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
    unservedSlots: Type.Array(Type.Integer({ minimum: 0 }), { description: 'Slots for which no shard is ready.' }),
  },
  'The cluster as this gateway sees it.',
);
export type ClusterResponse = JsonOf<typeof ClusterResponseSchema>;
export type ClusterShard = ClusterResponse['shards'][number];
export type ClusterSlot = ClusterShard['slots'][number];

export const HealthResponseSchema = closed({ status: Type.Literal('ok'), version: Type.String() }, 'The process is alive.');
export type HealthResponse = JsonOf<typeof HealthResponseSchema>;

export const ReadyResponseSchema = closed({ status: Type.Literal('ready') }, 'Requests are served; otherwise the answer is the problem not_ready.');
export type ReadyResponse = JsonOf<typeof ReadyResponseSchema>;
