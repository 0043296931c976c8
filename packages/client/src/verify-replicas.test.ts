import type { ClusterResponse } from '@shoal/protocol';
import { expect, it } from 'vitest';
import type { HttpTransport } from './http-transport.ts';
import { verifyReplicas, type SlotVerification, type VerifyOptions } from './verify-replicas.ts';

interface Row {
  readonly shard: string;
  readonly verifications: number;
  readonly agreement?: 'alone' | 'agrees' | 'outvoted' | 'disputed';
  readonly rebuildCount?: number;
}

/** Slot 3 as these shards hold it. */
function clusterOf(rows: readonly Row[]): ClusterResponse {
  const shards = rows.map(({ shard, verifications, agreement = 'agrees', rebuildCount = 0 }) => ({
    shard, version: '1', ready: true, lastSeenMs: 0, engineMemoryBytes: 0, engineMemoryMaxBytes: 0,
    slots: [{ slot: 3, ready: true, appliedSequence: 9, setAsideCount: 0, embeddingCount: 1, vectorCount: 1, content: { digest: 'd', agreement, comparedSequence: shard === 'a' ? 9 : 8, differsFrom: [], verifications, rebuildCount } }],
  }));
  return { version: '1', mode: 'cluster', bus: { kind: 'nats', description: '', connected: true }, slots: 4, shards, unservedSlots: [] };
}

/** Looks at the cluster: one before the order, then one each half second; the last stays. */
async function verified(looks: readonly (readonly Row[])[], options: VerifyOptions = {}): Promise<{ readonly result: readonly SlotVerification[]; readonly sent: readonly string[]; readonly nowMs: number }> {
  let [look, nowMs] = [0, 0];
  const sent: string[] = [];
  const transport = {
    call: async ({ method, path, body }: { method: string; path: string; body: { content: string } }) => {
      sent.push(`${method} ${path} ${body.content}`);
      return { slots: [3] };
    },
  } as unknown as HttpTransport;
  const result = await verifyReplicas({
    transport,
    now: () => nowMs,
    wait: async (durationMs) => void (nowMs += durationMs),
    cluster: async () => clusterOf(looks[Math.min(look++, looks.length - 1)] ?? []),
  }, options);
  return { result, sent, nowMs };
}

it('waits until every replica has read its rows since the call', async () => {
  const { result, sent, nowMs } = await verified([
    [{ shard: 'a', verifications: 4 }, { shard: 'b', verifications: 1 }],
    [{ shard: 'a', verifications: 5 }, { shard: 'b', verifications: 1 }],
    [{ shard: 'a', verifications: 5 }, { shard: 'b', verifications: 2 }],
  ], { slots: [3] });
  expect(sent).toEqual(['POST /v1/cluster/verifications {"slots":[3]}']);
  expect(nowMs).toBe(500);
  expect(result).toEqual([{
    slot: 3, sequence: 8, verdict: 'equal',
    replicas: [{ shard: 'a', appliedSequence: 9, verified: true, digest: 'd', agreement: 'agrees' }, { shard: 'b', appliedSequence: 9, verified: true, digest: 'd', agreement: 'agrees' }],
  }]);
});

it.each([
  ['a single replica that gave its digest', [[{ shard: 'a', verifications: 0 }], [{ shard: 'a', verifications: 1, agreement: 'alone' }]], 'equal'],
  ['replicas that differ', [[{ shard: 'a', verifications: 0 }, { shard: 'b', verifications: 0 }], [{ shard: 'a', verifications: 0, agreement: 'disputed' }, { shard: 'b', verifications: 0, agreement: 'disputed' }]], 'different'],
  ['a replica whose rows were not what was written, and that was rebuilt', [[{ shard: 'a', verifications: 3 }, { shard: 'b', verifications: 3 }], [{ shard: 'a', verifications: 4 }, { shard: 'b', verifications: 4, rebuildCount: 1 }]], 'different'],
  ['a replica that does not come to it in time', [[{ shard: 'a', verifications: 3 }, { shard: 'b', verifications: 3 }], [{ shard: 'a', verifications: 4 }, { shard: 'b', verifications: 3 }]], 'unknown'],
  ['replicas without a sequence in common', [[{ shard: 'a', verifications: 0 }, { shard: 'b', verifications: 0 }], [{ shard: 'a', verifications: 1, agreement: 'alone' }, { shard: 'b', verifications: 1, agreement: 'alone' }]], 'unknown'],
  ['a slot that nobody holds', [[]], 'unknown'],
] as const)('of %s', async (_name, looks, verdict) => {
  const { result, nowMs } = await verified(looks, { timeoutMs: 5_000 });
  expect(result.map((slot) => slot.verdict)).toEqual([verdict]);
  expect(nowMs).toBeLessThanOrEqual(5_000);
});
