/**
 * An import through BullMQ in a cluster of processes, while they are killed and the servers restarted under it; then everything is compared
 * with the file: each key once, each vector as it was, each broken row reported once, and nothing else.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalEngine } from '@shoal/index';
import type { ShoalClient } from '@shoal/client';
import { DEFAULTS, type ImportResponse } from '@shoal/protocol';
import { startNatsServer } from '../harness/nats-server.ts';
import { startRedis, type TestRedis } from '../harness/redis-server.ts';
import { ShoalCluster } from '../harness/shoal-cluster.ts';
import { brokenRowCount, isBrokenRow, readRows, writeGeneratedFile, type GeneratedFile } from './generated-file.ts';
import { memoryOf, type MemorySample } from './process-memory.ts';

export const FAULTS = ['kill-worker', 'kill-shard', 'restart-redis', 'restart-nats'] as const;
export type Fault = (typeof FAULTS)[number];

export interface ImportRunOptions {
  readonly rows: number;
  readonly dim: number;
  readonly brokenEvery: number;
  readonly seed: number;
  readonly shards: number;
  /** What happens when which part of the rows is done. */
  readonly faults: readonly (readonly [Fault, number])[];
  /** Rows that the bare engine inserts afterwards; 0 for none. */
  readonly bareRows: number;
  /** Whether the same file is imported once more. */
  readonly twice: boolean;
  /** Looks at the cluster while everything of the import is in. */
  readonly visit?: (cluster: ShoalCluster) => Promise<void>;
  readonly timeoutMs: number;
  readonly say: (text: string) => void;
}

export interface ImportRunReport {
  readonly status: ImportResponse;
  readonly durationMs: number;
  readonly memory: { readonly [Name in Watched]: readonly MemorySample[] };
  /** Everything that is not as it should be. */
  readonly faults: string[];
  readonly bareRowsPerSecond: number | undefined;
}

/** Whose memory is looked at. */
export const WATCHED = ['worker', 'gateway'] as const;
export type Watched = (typeof WATCHED)[number];
type Memory = { readonly [Name in Watched]: MemorySample[] };

const EMBEDDING = 'imported';
const POLL_MS = 200;
/** Every so many polls the processes are asked for their metrics. */
const METRICS_POLLS = 10;
const SAMPLE_ROWS = 200;
const FAULTS_SHOWN = 20;

interface Stage {
  readonly cluster: ShoalCluster;
  readonly redis: TestRedis;
  readonly nats: Awaited<ReturnType<typeof startNatsServer>>;
}

async function inflict(fault: Fault, { cluster, redis, nats }: Stage): Promise<void> {
  switch (fault) {
    case 'kill-worker':
      await cluster.workers[0]?.end('SIGKILL');
      return cluster.workers[0]?.start();
    case 'kill-shard':
      await cluster.shards[0]?.end('SIGKILL');
      return cluster.shards[0]?.start();
    case 'restart-redis':
      return redis.restart?.('SIGTERM');
    case 'restart-nats':
      await nats.stop();
      return nats.start();
  }
}

async function untilEnded(client: ShoalClient, id: string, options: ImportRunOptions, stage: Stage, memory: Memory): Promise<ImportResponse> {
  const faults = [...options.faults];
  const deadlineMs = Date.now() + options.timeoutMs;
  let last: unknown;
  for (let poll = 0; Date.now() < deadlineMs; poll += 1) {
    const status = await client.imports.get(id).catch((error: unknown) => void (last = error));
    if (status !== undefined) {
      last = status;
      if (['done', 'failed', 'cancelled'].includes(status.state)) return status;
      for (const name of WATCHED) {
        const process = (name === 'worker' ? stage.cluster.workers : stage.cluster.gateways)[0];
        if (process !== undefined) memory[name].push({ rowsDone: status.rowsDone, figures: await memoryOf(process, { withMetrics: poll % METRICS_POLLS === 0 }) });
      }
      const [next, share] = faults[0] ?? [];
      if (next !== undefined && share !== undefined && status.rows > 0 && status.rowsDone >= status.rows * share) {
        faults.shift();
        options.say(`${next} at ${status.rowsDone} rows`);
        await inflict(next, stage);
      }
    }
    await delay(POLL_MS);
  }
  throw new Error(`the import has not ended: ${JSON.stringify(last)}\n${stage.cluster.processes.map(({ name, output }) => `--- ${name}\n${output.slice(-4_000)}`).join('\n')}`);
}

/** Every key of the file once and no other, and some vectors component by component. */
async function compareRows(client: ShoalClient, file: GeneratedFile, status: ImportResponse, faults: string[]): Promise<void> {
  const handle = client.embedding(EMBEDDING);
  const expected = file.rows - brokenRowCount(file);
  const count = await handle.count({ after: status.receipt, timeoutMs: 60_000 });
  if (count !== expected) faults.push(`${count} vectors instead of ${expected}`);
  const seen = new Uint8Array(file.rows);
  for await (const { key } of handle.scroll({ pageSize: 1_000 })) {
    const row = Number(key);
    if (!Number.isInteger(row) || row < 0 || row >= file.rows || isBrokenRow(file, row)) faults.push(`the key ${key} should not be there`);
    else if (seen[row] === 1) faults.push(`the key ${key} is there twice`);
    else seen[row] = 1;
  }
  const missing = seen.reduce((sum, mark, row) => sum + (mark === 0 && !isBrokenRow(file, row) ? 1 : 0), 0);
  if (missing > 0) faults.push(`${missing} keys are missing`);
  const source = await open(file.path);
  try {
    for (let sample = 0; sample < SAMPLE_ROWS; sample += 1) {
      const row = Math.floor((sample * file.rows) / SAMPLE_ROWS);
      if (isBrokenRow(file, row)) continue;
      const stored = await handle.get(String(row));
      const values = await readRows(file, source, row, 1);
      if (stored === undefined || !stored.values.every((value, index) => value === values[index])) faults.push(`the vector of ${row} is another`);
    }
  } finally {
    await source.close();
  }
}

async function compareReport(client: ShoalClient, id: string, file: GeneratedFile, faults: string[]): Promise<void> {
  let expected = file.brokenEvery - 1;
  for await (const { row, code, reason, file: name } of client.imports.report(id)) {
    if (row !== expected || code !== 'invalid_vector' || name !== file.path || reason === '') faults.push(`the report has row ${row} (${code}) where ${expected} belongs`);
    expected += file.brokenEvery;
  }
  if (expected < file.rows) faults.push(`the report ends before row ${expected}`);
}

/** Vectors per second of the engine alone, on one thread, with the parameters of the embedding. */
async function bareRate(file: GeneratedFile, rows: number): Promise<number> {
  const index = LocalEngine.start().openIndex({ dim: file.dim, distance: 'l2', m: DEFAULTS.m, efConstruction: DEFAULTS.efConstruction, seed: DEFAULTS.hnswSeed, rabitq: { bits: DEFAULTS.rabitqBits, seed: DEFAULTS.rabitqSeed } });
  const source = await open(file.path);
  let insertMs = 0;
  try {
    for (let first = 0; first < rows; first += 500) {
      const values = await readRows(file, source, first, Math.min(500, rows - first));
      const operations = Array.from({ length: values.length / file.dim }, (_, offset) => ({ type: 'put' as const, id: first + offset, vector: values.subarray(offset * file.dim, (offset + 1) * file.dim) }));
      const usable = operations.filter(({ id }) => !isBrokenRow(file, id));
      const startedMs = performance.now();
      index.apply(usable);
      insertMs += performance.now() - startedMs;
    }
  } finally {
    await source.close();
    index.drop();
  }
  return rows / (insertMs / 1_000);
}

export async function runImportCampaign(options: ImportRunOptions): Promise<ImportRunReport> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-import-'));
  const file: GeneratedFile = { path: join(directory, 'vectors.npy'), rows: options.rows, dim: options.dim, brokenEvery: options.brokenEvery, seed: options.seed };
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    await writeGeneratedFile(file);
    const redis = await startRedis();
    closers.push(() => redis.close());
    const nats = await startNatsServer();
    closers.push(() => nats.close());
    const cluster = await ShoalCluster.start({ natsUrl: nats.url, shardCount: options.shards, gatewayCount: 1, redisUrl: redis.url, workerCount: 1, settings: { SHOAL_METRICS_PORT: '0' }, workerSettings: { SHOAL_IMPORT_DIRS: directory, SHOAL_WORKER_THREADS: '2', SHOAL_METRICS_PORT: '0' } });
    closers.push(() => cluster.close());
    const client = cluster.client(0, { retries: 20, timeoutMs: 120_000 });
    await client.register({ name: EMBEDDING, model: 'generated', dim: options.dim, distance: 'l2', partitions: options.shards * 2 });
    const stage: Stage = { cluster, redis, nats };
    const memory: Memory = { worker: [], gateway: [] };
    const faults: string[] = [];
    const startedMs = Date.now();
    const { id } = await client.imports.create({ embedding: EMBEDDING, sources: [file.path] });
    const status = await untilEnded(client, id, options, stage, memory);
    const durationMs = Date.now() - startedMs;
    options.say(`import: ${JSON.stringify({ ...status, receipt: undefined })}`);
    const broken = brokenRowCount(file);
    if (status.state !== 'done' || status.accepted !== file.rows - broken || status.rejected !== broken) faults.push(`the import counts ${status.accepted} and ${status.rejected}, and is ${status.state}`);
    await compareReport(client, id, file, faults);
    await compareRows(client, file, status, faults);
    await options.visit?.(cluster);
    if (options.twice) {
      const again = await client.imports.create({ embedding: EMBEDDING, sources: [file.path] });
      const repeated = await untilEnded(client, again.id, { ...options, faults: [] }, stage, { worker: [], gateway: [] });
      if (repeated.accepted !== status.accepted || repeated.rejected !== status.rejected) faults.push('the same file gave other counts');
      await compareRows(client, file, repeated, faults);
    }
    const bareRowsPerSecond = options.bareRows === 0 ? undefined : await bareRate(file, Math.min(options.bareRows, file.rows));
    return { status, durationMs, memory, faults: faults.slice(0, FAULTS_SHOWN), bareRowsPerSecond };
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
