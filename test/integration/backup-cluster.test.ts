import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '@shoal/cli';
import { ShoalClient } from '@shoal/client';
import { expect, it } from 'vitest';
import type { ShoalCluster } from '../harness/shoal-cluster.ts';
import { startCluster } from '../harness/suite-cluster.ts';
import { visibleState } from '../harness/visible-state.ts';
import { l2, seededRandom, suiteSeed } from '../harness/workload.ts';

const DIM = 32;
const VECTORS = 6_000;
const QUERIES = 100;
const K = 10;

async function shoal(cluster: ShoalCluster, directory: string, ...words: string[]): Promise<string> {
  let out = '';
  let err = '';
  const code = await runCli(words, {
    stdout: { write: (text) => void (out += text), terminal: undefined },
    stderr: { write: (text) => void (err += text), terminal: undefined },
    workingDirectory: directory, url: cluster.urls[0], apiKey: cluster.rootKey, childEnvironment: {}, nowMs: Date.now, interrupt: new AbortController().signal,
  });
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out;
}

const clientsOf = (cluster: ShoalCluster) => (tenant: string): ShoalClient => new ShoalClient({ url: cluster.urls[0] ?? '', apiKey: cluster.rootKey, tenant });

it('a cluster whose brokers, shards and gateways lost everything has it again from a backup, and finds as much', async () => {
  const random = seededRandom(suiteSeed('backup cluster'));
  const directory = await mkdtemp(join(tmpdir(), 'shoal-backup-'));
  const vectors = Array.from({ length: VECTORS }, () => Float32Array.from({ length: DIM }, () => random() * 2 - 1));
  const queries = Array.from({ length: QUERIES }, () => Float32Array.from({ length: DIM }, () => random() * 2 - 1));
  const truth = queries.map((query) => vectors.map((vector, index) => ({ index, distance: l2(query, vector) })).sort((a, b) => a.distance - b.distance).slice(0, K).map(({ index }) => `k${index}`));
  /** The share of the true neighbours that the graph finds. */
  const recallOf = async (client: ShoalClient): Promise<number> => {
    const { results } = await client.embedding('vectors').searchMany({ vectors: queries, k: K, ef: 64, path: 'exact' });
    const found = results.map((hits, index) => hits.filter(({ key }) => truth[index]?.includes(key) === true).length);
    return found.reduce((sum, count) => sum + count, 0) / (QUERIES * K);
  };
  let running = await startCluster({ shardCount: 2, gatewayCount: 1, slots: 8 });
  try {
    const clientOf = clientsOf(running.cluster);
    const root = clientOf('default');
    const { handle } = await root.register({ name: 'vectors', model: 'm', dim: DIM, distance: 'l2', partitions: 2, fields: { index: 'integer' } });
    await handle.upsert(vectors.map((values, index) => ({ key: `k${index}`, values, payload: { index } })), { wait: 'applied' });
    await root.aliases.set('current', 'vectors');
    await root.tenants.create({ tenant: 'acme', quotas: { vectors: 100, requestsPerSecond: 500 } });
    const { key } = await clientOf('acme').keys.create({ role: 'write', name: 'indexer' });
    await new ShoalClient({ url: running.cluster.urls[0] ?? '', apiKey: key }).register({ name: 'own', model: 'm', dim: 2, distance: 'cosine' }).then(({ handle: own }) => own.upsert([{ key: 'a', values: [1, 2], payload: { text: 'ä' } }], { wait: 'applied' }));
    const before = await visibleState(clientOf);
    const recallBefore = await recallOf(root);
    await shoal(running.cluster, directory, 'backup', 'kept');

    // Processes, logs, stores and snapshots: all directories go with them.
    await running.close();
    running = await startCluster({ shardCount: 2, gatewayCount: 1, slots: 8 });
    const again = clientsOf(running.cluster);
    expect(await again('default').embeddings()).toEqual([]);
    expect(await shoal(running.cluster, directory, 'restore', 'kept')).toContain('2 embeddings, 2 tenants, 1 keys and 1 aliases are back.');
    expect(await visibleState(again)).toEqual(before);
    expect(await new ShoalClient({ url: running.cluster.urls[0] ?? '', apiKey: key }).embedding('own').get('a')).toMatchObject({ payload: { text: 'ä' } });
    const recallAfter = await recallOf(again('default'));
    console.log(`recall@${K} over ${VECTORS} vectors: ${recallBefore} before, ${recallAfter} after`);
    expect(recallBefore).toBeGreaterThan(0.95);
    expect(recallAfter).toBeGreaterThan(recallBefore - 0.02);
  } finally {
    await running.close();
    await rm(directory, { recursive: true, force: true });
  }
});
