import { describe, expect, it } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { vectorOf } from '../harness/workload.ts';

const DIM = 32;

const suite = suiteCluster({ shardCount: 2, gatewayCount: 2 });

describe('a read after a receipt', () => {
  it('always contains the write, through any gateway', async () => {
    const { handle } = await suite.cluster.client(0).register({ model: 'receipts', dim: DIM, distance: 'l2', partitions: 4 });
    const other = suite.cluster.client(1).embedding(handle.name);
    for (let round = 0; round < 200; round += 1) {
      const key = `key-${round % 50}`;
      const values = vectorOf(key, round, DIM);
      const { receipt } = await handle.upsert([{ key, values, payload: { round } }]);
      const [hit] = (await other.search({ vector: values, k: 1, after: receipt, include: ['payload'] })).hits;
      expect(hit).toMatchObject({ key, payload: { round } });
      expect(hit?.distance).toBeCloseTo(0, 3);
    }
  });

  it('never contains what was deleted before the receipt', async () => {
    const { handle } = await suite.cluster.client(0).register({ model: 'deletes', dim: DIM, distance: 'l2' });
    const other = suite.cluster.client(1).embedding(handle.name);
    for (let round = 0; round < 100; round += 1) {
      const key = `key-${round}`;
      const values = vectorOf(key, 1, DIM);
      await handle.upsert([{ key, values }]);
      const { receipt } = await handle.delete([key]);
      const { hits } = await other.search({ vector: values, k: 10, after: receipt });
      expect(hits.map((hit) => hit.key)).not.toContain(key);
    }
  });

  it('fails at its deadline with receipt_timeout while the shard does not apply', async () => {
    const { handle } = await suite.cluster.client(0).register({ model: 'deadline', dim: DIM, distance: 'l2' });
    const { receipt } = await handle.upsert([{ key: 'a', values: vectorOf('a', 1, DIM) }], { wait: 'applied' });
    const [[slot, sequence] = ['0', 0]] = Object.entries(receipt);
    const impatient = suite.cluster.client(1, { retries: 0 }).embedding(handle.name);
    const search = impatient.search({ vector: vectorOf('a', 1, DIM), k: 1, after: { [slot]: sequence + 1_000_000 }, timeoutMs: 300 });
    await expect(search).rejects.toMatchObject({ code: expect.stringMatching(/^receipt_(timeout|unknown)$/) as string });
  });

  it('fails at its deadline while the shard is stopped, and succeeds when it goes on', async () => {
    const { handle } = await suite.cluster.client(0).register({ model: 'stopped', dim: DIM, distance: 'l2' });
    await handle.upsert([{ key: 'a', values: vectorOf('a', 1, DIM) }], { wait: 'applied' });
    for (const shard of suite.cluster.shards) process.kill(shard.pid, 'SIGSTOP');
    const { receipt } = await handle.upsert([{ key: 'b', values: vectorOf('b', 1, DIM) }]);
    const impatient = suite.cluster.client(1, { retries: 0 }).embedding(handle.name);
    try {
      const search = impatient.search({ vector: vectorOf('b', 1, DIM), k: 1, after: receipt, timeoutMs: 500 });
      await expect(search).rejects.toMatchObject({ code: expect.stringMatching(/^(receipt_timeout|deadline_exceeded)$/) as string });
      const applied = impatient.upsert([{ key: 'c', values: vectorOf('c', 1, DIM) }], { wait: 'applied', timeoutMs: 1_500 });
      await expect(applied).rejects.toMatchObject({ code: expect.stringMatching(/^(receipt_timeout|deadline_exceeded)$/) as string });
    } finally {
      for (const shard of suite.cluster.shards) process.kill(shard.pid, 'SIGCONT');
    }
    const [hit] = (await suite.cluster.client(1).embedding(handle.name).search({ vector: vectorOf('b', 1, DIM), k: 1, after: receipt, timeoutMs: 20_000 })).hits;
    expect(hit?.key).toBe('b');
  });
});
