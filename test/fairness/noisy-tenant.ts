/** One tenant searches at its pace, alone and beside one that sends far too much: how far does that move the p99 of the first? */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ShoalClient } from '@shoal/client';
import { SeededChoice } from '../fuzz/seeded-choice.ts';
import type { EmbeddedProcess } from '../harness/embedded-process.ts';
import { PacedSearches, percentile } from './paced-searches.ts';

export interface NoisyOptions {
  readonly dim: number;
  readonly quietVectors: number;
  readonly noisyVectors: number;
  readonly quietPerSecond: number;
  /** The rate that the noisy tenant may send at; none when undefined. */
  readonly noisyQuota: number | undefined;
  readonly noisyPerSecond: number;
  readonly windowMs: number;
  /** Windows without and with noise, taken in turns. */
  readonly windows: number;
  readonly seed: number;
}

export interface Window {
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 200, by status; 0 for a connection that ended. */
  readonly refused: { readonly [status: string]: number };
}

export interface NoisyReport {
  readonly alone: readonly Window[];
  readonly beside: readonly Window[];
  /** Answers to the noisy tenant, by status. */
  readonly noisyStatuses: { readonly [status: string]: number };
}

async function prepare(node: EmbeddedProcess, tenant: string, vectorCount: number, quota: number | undefined, { dim, seed }: NoisyOptions): Promise<string> {
  const root = new ShoalClient({ url: node.url, apiKey: node.rootKey });
  await root.tenants.create({ tenant, quotas: quota === undefined ? {} : { requestsPerSecond: quota } });
  const asTenant = new ShoalClient({ url: node.url, apiKey: node.rootKey, tenant });
  const { key } = await asTenant.keys.create({ role: 'read' });
  const { handle } = await asTenant.register({ name: 'space', model: 'm', dim, distance: 'l2' });
  const choice = new SeededChoice(seed);
  const vectors = Array.from({ length: vectorCount }, (_, index) => ({ key: `v${index}`, values: Float32Array.from({ length: dim }, () => choice.next() * 2 - 1) }));
  const { receipt } = await handle.upsert(vectors);
  await handle.waitUntilApplied(receipt, { timeoutMs: 120_000 });
  return key;
}

async function startNoise(options: object): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('noisy-process.ts', import.meta.url)), [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

/** Windows alone and beside the noise in turns, on one node, so that whatever else the machine does falls on both alike. */
export async function measureNoise(node: EmbeddedProcess, options: NoisyOptions): Promise<NoisyReport> {
  const { dim, quietVectors, noisyVectors, quietPerSecond, noisyQuota, noisyPerSecond, windowMs, windows, seed } = options;
  const port = Number(new URL(node.url).port);
  const quietKey = await prepare(node, 'quiet', quietVectors, undefined, options);
  const noisyKey = await prepare(node, 'noisy', noisyVectors, noisyQuota, options);
  const quiet = new PacedSearches({ port, apiKey: quietKey, embedding: 'space', dim, perSecond: quietPerSecond, connectionCount: 8, seed });
  const noise = await startNoise({ port, apiKey: noisyKey, embedding: 'space', dim, perSecond: noisyPerSecond, connectionCount: 64, seed: seed + 1 });
  const alone: Window[] = [];
  const beside: Window[] = [];
  let noisyStatuses: NoisyReport['noisyStatuses'] = {};
  const measure = async (): Promise<Window> => {
    const { latencies, statuses } = await quiet.run(windowMs);
    const refused = Object.fromEntries([...statuses].filter(([status]) => status !== 200));
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), refused };
  };
  try {
    await quiet.open();
    await quiet.run(Math.min(2_000, windowMs));
    for (let window = 0; window < windows; window += 1) {
      alone.push(await measure());
      noise.send('begin');
      await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, windowMs)));
      beside.push(await measure());
      const told = once(noise, 'message');
      noise.send('end');
      [noisyStatuses] = (await told) as [NoisyReport['noisyStatuses']];
      await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, windowMs)));
    }
  } finally {
    quiet.close();
    noise.kill();
  }
  return { alone, beside, noisyStatuses };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
