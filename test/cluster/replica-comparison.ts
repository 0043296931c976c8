/** Whether the replicas of every partition hold the same, each asked by its own name. */
import { createHash } from 'node:crypto';
import { connectNatsBus, type Bus } from '@shoal/bus';
import { SUBJECTS, decodeQueryResponse, encodeQueryRequest, parseEmbeddingCode, parsePartition, parseShardId, slotOf, type EmbeddingCode, type Partition, type ScrolledVector, type ShardId, type Slot, type VectorKey } from '@shoal/protocol';
import type { Placement } from './placement-watch.ts';

export interface ReplicaComparison {
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly vectorCount: number;
  /** Partitions whose replicas differ. */
  readonly different: readonly string[];
}

interface Described {
  readonly code: number;
  readonly partitions: number;
}

const PAGE = 500;
const TIMEOUT_MS = 30_000;

async function page(bus: Bus, shard: ShardId, at: { readonly slot: Slot; readonly code: EmbeddingCode; readonly partition: Partition }, afterKey: VectorKey | undefined): Promise<readonly ScrolledVector[]> {
  const after = await bus.log.lastSequence(at.slot);
  const item = { code: at.code, partition: at.partition, after, timeoutMs: TIMEOUT_MS, limit: PAGE, includeValues: true, includePayload: true, ...(afterKey === undefined ? {} : { afterKey }) };
  const bytes = await bus.requests.request(SUBJECTS.queryOf(at.slot, shard), encodeQueryRequest({ type: 'scroll', items: [item] }), { timeoutMs: TIMEOUT_MS });
  const response = decodeQueryResponse(bytes);
  const [answer] = response.type === 'scroll' ? response.items : [];
  if (answer?.ok !== true) throw new Error(`${shard} does not tell what it holds of slot ${at.slot}: ${answer?.message ?? 'no answer'}`);
  return answer.vectors;
}

/** Keys, sequences, values and payloads of one partition on one replica, in the order of the keys. */
async function contentOf(bus: Bus, shard: ShardId, at: { readonly slot: Slot; readonly code: EmbeddingCode; readonly partition: Partition }): Promise<{ readonly digest: string; readonly count: number }> {
  const hash = createHash('sha256');
  let count = 0;
  for (let afterKey: VectorKey | undefined; ; ) {
    const vectors = await page(bus, shard, at, afterKey);
    for (const { key, sequence, values, payload } of vectors) {
      hash.update(`${key}\0${sequence}\0`).update(new Uint8Array(values?.buffer ?? new ArrayBuffer(0), values?.byteOffset ?? 0, values?.byteLength ?? 0)).update(payload ?? '');
    }
    count += vectors.length;
    afterKey = vectors.at(-1)?.key;
    if (vectors.length === 0) return { digest: hash.digest('hex'), count };
  }
}

export async function compareReplicas(natsUrl: string, placement: Placement, slots: number, embeddings: readonly Described[]): Promise<ReplicaComparison> {
  const bus = await connectNatsBus({ servers: natsUrl, slots, streams: 4, timeoutMs: 15_000, name: 'shoal-comparison' });
  const different: string[] = [];
  let [partitionCount, replicaCount, vectorCount] = [0, 0, 0];
  try {
    for (const { code: codeNumber, partitions } of embeddings) {
      const code = parseEmbeddingCode(codeNumber);
      for (let index = 0; index < partitions; index += 1) {
        const partition = parsePartition(index);
        const slot = slotOf(code, partition, slots);
        const shards = placement.slots[slot]?.replicas.map(({ shard }) => parseShardId(shard)) ?? [];
        const contents = await Promise.all(shards.map((shard) => contentOf(bus, shard, { slot, code, partition })));
        if (new Set(contents.map(({ digest }) => digest)).size !== 1) different.push(`embedding ${code}, partition ${partition}, slot ${slot}: ${shards.join(', ')} hold ${contents.map(({ count }) => count).join(', ')} vectors`);
        partitionCount += 1;
        replicaCount += shards.length;
        vectorCount += contents[0]?.count ?? 0;
      }
    }
  } finally {
    await bus.close();
  }
  return { partitionCount, replicaCount, vectorCount, different };
}
