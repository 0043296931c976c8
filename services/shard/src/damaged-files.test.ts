/** Bits flipped anywhere in the files of a store that nobody has open: nothing is lost in silence, and the shard comes back by itself. */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus } from '@shoal/bus';
import { systemTimers, type Timers } from '@shoal/pacing';
import { encodeMutation, parseEmbeddingCode, parseEmbeddingSpec, parseOperationId, parsePartition, parseShardId, type Mutation, type Slot, type VectorKey } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startShard, type Shard } from './shard.ts';

const slot = 0 as Slot;
const [code, partition] = [parseEmbeddingCode(1), parsePartition(0)];
const DIM = 32;
const KEYS = 1_000;
const quickTimers: Timers = { after: (delayMs, callback) => systemTimers.after(delayMs / 200, callback) };
const spec = parseEmbeddingSpec({
  code, tenant: 'default', name: 'e', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 16, efConstruction: 200, seed: 1 }, rabitq: { bits: 8, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});

let directory: string;
let bus: Bus;

async function publish(operation: number, mutation: (operationId: ReturnType<typeof parseOperationId>) => Mutation): Promise<void> {
  const operationId = parseOperationId(operation.toString(16).padStart(32, '0'));
  await bus.log.publish([{ address: { slot, code, partition }, operationId, bytes: encodeMutation(mutation(operationId)) }], { timeoutMs: 5_000 });
}

const errors: string[] = [];

async function start(name: string): Promise<Shard> {
  const logger = pino({ level: 'error' }, { write: (line) => void errors.push((JSON.parse(line) as { err?: { code?: string } }).err?.code ?? 'none') });
  return startShard(
    { shard: parseShardId(name), ownedSlots: [slot], slots: 1, directory: join(directory, name), engineMemoryMaxBytes: 64 * 2 ** 20, searchThreadCount: 1 },
    { bus, logger, timers: quickTimers, nowMs: Date.now, version: 'test' },
  );
}

/** Serving, and all rows read. */
async function isWhole(shard: Shard): Promise<boolean> {
  const [status] = shard.status().slots;
  return status?.ready === true && status.vectorCount === KEYS && (status.content?.verified?.count ?? 0) > 0;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-damaged-'));
  bus = await openEmbeddedBus({ directory: join(directory, 'log'), slots: 1, durability: 'os' });
  await publish(1, (operationId) => ({ type: 'define', operationId, code, partition, spec }));
  for (let first = 0; first < KEYS; first += 20) {
    const operations = Array.from({ length: 20 }, (_, index) => ({ type: 'upsert' as const, key: `k${first + index}` as VectorKey, vector: new Float32Array(DIM).fill(first + index) }));
    await publish(first + 2, (operationId) => ({ type: 'write', operationId, code, partition, dim: DIM, operations }));
  }
  const shard = await start('original');
  await shard.ready(AbortSignal.timeout(30_000));
  await shard.close();
});
afterAll(async () => {
  await bus.close();
  await rm(directory, { recursive: true });
});

/** A copy of the original with rows in a table, not only in the log of LevelDB. */
async function copyTo(name: string, flushed: boolean): Promise<string> {
  const store = join(directory, name, 'store');
  await cp(join(directory, 'original'), join(directory, name), { recursive: true });
  if (flushed) {
    const opened = await ShardStore.open({ directory: store, slots: 1 });
    await opened.flush();
    await opened.close();
  }
  return store;
}

async function flip(store: string, pattern: RegExp, share: number): Promise<void> {
  const name = (await readdir(store)).filter((file) => pattern.test(file)).sort().at(-1) ?? expect.unreachable();
  const bytes = await readFile(join(store, name));
  const at = Math.min(bytes.length - 1, Math.floor(bytes.length * share));
  bytes[at] = (bytes[at] ?? 0) ^ 0x04;
  await writeFile(join(store, name), bytes);
}

describe('a bit that is flipped in a file of LevelDB', () => {
  const cases = [
    ['its log', /\.log$/, false, [0.37, 0.93]],
    ['a table', /\.ldb$/, true, [0, 0.21, 0.63, 0.9999]],
    ['the manifest', /^MANIFEST/, true, [0.5]],
    ['CURRENT', /^CURRENT$/, true, [0.5]],
  ] as const;
  it.each(cases)('in %s, is noticed or harms nothing, and every vector is there afterwards', async (what, pattern, flushed, shares) => {
    for (const share of shares) {
      errors.length = 0;
      const name = `${what.replaceAll(' ', '-').toLowerCase()}-${share * 10_000}`;
      const store = await copyTo(name, flushed);
      await flip(store, pattern, share);
      const stop = AbortSignal.timeout(50_000);
      let shard = await start(name);
      while (!(await isWhole(shard))) {
        stop.throwIfAborted();
        // Where the files are beyond use the process ends, to be started again.
        const failed = await Promise.race([shard.failed, new Promise<undefined>((resolve) => setTimeout(resolve, 10, undefined))]);
        if (failed === undefined) continue;
        await shard.close();
        shard = await start(name);
      }
      await shard.close();
      const opened = await ShardStore.open({ directory: store, slots: 1 });
      for (let key = 0; key < KEYS; key += 1) expect({ what, share, key, value: (await opened.read({ code, partition }, `k${key}` as VectorKey))?.values[3] }).toEqual({ what, share, key, value: key });
      await opened.close();
      expect({ what, share, codes: errors.filter((error) => !['store_corrupt', 'replica_diverged', 'none'].includes(error)) }).toEqual({ what, share, codes: [] });
    }
  });
});
