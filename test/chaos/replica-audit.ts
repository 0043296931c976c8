import { createHash } from 'node:crypto';
import type { Bus } from '@shoal/bus';
import { SUBJECTS, ShoalError, decodeQueryResponse, encodeQueryRequest, parseEmbeddingCode, parsePartition, parseShardId, slotOf, type Partition, type ScrolledVector, type Sequence, type Slot, type VectorKey } from '@shoal/protocol';
import { vectorOf, type Ledger } from '../harness/workload.ts';

const PAGE = 500;
const TIMEOUT_MS = 60_000;

export interface ReplicaAudit {
  readonly missing: string[];
  readonly phantom: string[];
  readonly duplicated: string[];
  /** In a version that was replaced, or with other components than were sent. */
  readonly wrong: string[];
  /** Partitions whose replicas hold different rows. */
  readonly unequal: string[];
  /** Rows read, all replicas together. */
  rowCount: number;
}

export interface AuditedEmbedding {
  readonly code: number;
  readonly partitions: number;
  readonly slots: number;
}

/** Reads every row of every replica, up to the end of the log, and compares it with the ledger and with the other replicas. */
export async function auditReplicas(bus: Bus, embedding: AuditedEmbedding, ready: readonly (readonly string[])[], ledger: Ledger): Promise<ReplicaAudit> {
  const audit: ReplicaAudit = { missing: [], phantom: [], duplicated: [], wrong: [], unequal: [], rowCount: 0 };
  const seen = new Set<string>();
  const code = parseEmbeddingCode(embedding.code);
  for (let index = 0; index < embedding.partitions; index += 1) {
    const partition = parsePartition(index);
    const slot = slotOf(code, partition, embedding.slots);
    const after = await bus.log.lastSequence(slot);
    const digests = new Map<string, string>();
    const shards = ready[slot] ?? [];
    for (const [replica, shard] of shards.entries()) {
      const digest = createHash('sha256');
      let last: string | undefined;
      for await (const row of rowsOf(bus, { code: embedding.code, partition, slot, shard, after })) {
        audit.rowCount += 1;
        if (last !== undefined && Buffer.compare(Buffer.from(row.key), Buffer.from(last)) <= 0) audit.duplicated.push(`${row.key} on ${shard}`);
        last = row.key;
        digest.update(JSON.stringify([row.key, row.sequence, Buffer.from(row.payload ?? []).toString()])).update(Buffer.from(row.values?.buffer ?? new ArrayBuffer(0), row.values?.byteOffset ?? 0, row.values?.byteLength ?? 0));
        if (replica === 0) judge(row, ledger, seen, audit);
      }
      digests.set(shard, digest.digest('hex'));
    }
    if (digests.size < 2 || new Set(digests.values()).size > 1) audit.unequal.push(`partition ${index} (slot ${slot}): ${JSON.stringify(Object.fromEntries(digests))}`);
  }
  audit.missing.push(...ledger.keys.filter((key) => !seen.has(key) && !ledger.possible(key).includes(undefined)));
  return audit;
}

function judge(row: ScrolledVector, ledger: Ledger, seen: Set<string>, audit: ReplicaAudit): void {
  if (seen.has(row.key)) audit.duplicated.push(row.key);
  seen.add(row.key);
  const possible = ledger.possible(row.key);
  if (possible.every((version) => version === undefined)) {
    audit.phantom.push(row.key);
    return;
  }
  const { version } = JSON.parse(Buffer.from(row.payload ?? []).toString() || '{}') as { readonly version?: number };
  const expected = version === undefined ? undefined : vectorOf(row.key, version, ledger.dim);
  const isSame = expected !== undefined && row.values?.length === expected.length && expected.every((component, at) => component === row.values?.[at]);
  if (!possible.includes(version) || !isSame) audit.wrong.push(row.key);
}

interface Place {
  readonly code: number;
  readonly partition: Partition;
  readonly slot: Slot;
  readonly shard: string;
  readonly after: Sequence;
}

/** All rows of a partition as one replica has them, in the order of their keys. */
async function* rowsOf(bus: Bus, { code, partition, slot, shard, after }: Place): AsyncGenerator<ScrolledVector> {
  let afterKey: VectorKey | undefined;
  do {
    const item = { code: parseEmbeddingCode(code), partition, after, timeoutMs: TIMEOUT_MS, limit: PAGE, includeValues: true, includePayload: true, ...(afterKey === undefined ? {} : { afterKey }) };
    const bytes = await bus.requests.request(SUBJECTS.queryOf(slot, parseShardId(shard)), encodeQueryRequest({ type: 'scroll', items: [item] }), { timeoutMs: TIMEOUT_MS });
    const response = decodeQueryResponse(bytes);
    const answer = response.type === 'scroll' ? response.items[0] : undefined;
    if (answer === undefined || !answer.ok) throw new ShoalError(answer?.error ?? 'internal', `${shard} does not tell its rows: ${answer?.message ?? 'another answer'}`);
    yield* answer.vectors;
    afterKey = answer.scannedTo;
  } while (afterKey !== undefined);
}
