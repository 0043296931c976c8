/** Two replicas of one slot on one log, of which one comes to hold something else. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus, type LogMessage, type ReadOptions } from '@shoal/bus';
import { Engine } from '@shoal/index';
import { systemTimers, type Timers } from '@shoal/pacing';
import { decodeMutation, encodeMutation, parseEmbeddingCode, parseEmbeddingSpec, parseOperationId, parsePartition, parseShardId, type Mutation, type Sequence, type Slot, type VectorKey } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { ClassicLevel } from 'classic-level';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runShard, type Shard } from './shard.ts';

const slot = 0 as Slot;
const [code, partition] = [parseEmbeddingCode(1), parsePartition(0)];
const DIM = 4;
const KEYS = 50;
const quickTimers: Timers = { after: (delayMs, callback) => systemTimers.after(delayMs / 200, callback) };
const spec = parseEmbeddingSpec({
  code, tenant: 'default', name: 'e', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 16, efConstruction: 200, seed: 1 }, rabitq: { bits: 8, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});

let directory: string;
let bus: Bus;
let messageCount: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-replicas-'));
  bus = await openEmbeddedBus({ directory: join(directory, 'log'), snapshotDirectory: join(directory, 'snapshots'), slots: 1, durability: 'os' });
  messageCount = 0;
  await publish((operationId) => ({ type: 'define', operationId, code, partition, spec }));
  for (let key = 0; key < KEYS; key += 1) await write(key);
});
afterEach(async () => {
  await bus.close();
  await rm(directory, { recursive: true });
});

async function publish(mutation: (operationId: ReturnType<typeof parseOperationId>) => Mutation): Promise<Sequence> {
  messageCount += 1;
  const operationId = parseOperationId(messageCount.toString(16).padStart(32, '0'));
  const [sequence] = await bus.log.publish([{ address: { slot, code, partition }, operationId, bytes: encodeMutation(mutation(operationId)) }], { timeoutMs: 5_000 });
  return sequence as Sequence;
}

const write = (key: number): Promise<Sequence> => publish((operationId) => ({
  type: 'write', operationId, code, partition, dim: DIM, operations: [{ type: 'upsert', key: `k${key}` as VectorKey, vector: new Float32Array(DIM).fill(key) }],
}));

interface Replica {
  readonly shard: Shard;
  readonly rows: ClassicLevel<Buffer, Buffer>;
  readonly store: ShardStore;
  readonly alarms: string[];
}

async function startReplica(name: string, on: Bus = bus): Promise<Replica> {
  const rows = new ClassicLevel<Buffer, Buffer>(join(directory, name), { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await rows.open();
  const store = await ShardStore.over(rows, { directory: name, slots: 1 });
  const engine = await Engine.start({ memoryMaxBytes: 64 * 2 ** 20, searchThreadCount: 1 });
  const alarms: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void alarms.push((JSON.parse(line) as { err?: { code?: string } }).err?.code ?? 'none') });
  const shard = runShard(
    { shard: parseShardId(name), ownedSlots: [slot], slots: 1, directory: join(directory, name), engineMemoryMaxBytes: 64 * 2 ** 20, searchThreadCount: 1 },
    { bus: on, logger, timers: quickTimers, nowMs: Date.now, version: 'test', store, engine, failure: Promise.withResolvers<Error>() },
  );
  return { shard, rows, store, alarms };
}

/** The same bus, but this message arrives altered when it is read for the first time. */
function altering(sequence: number): Bus {
  let isAltered = false;
  const read = async function* (options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    for await (const group of bus.log.read(options)) {
      yield group.map((message) => {
        if (message.sequence !== sequence || isAltered) return message;
        isAltered = true;
        const mutation = decodeMutation(message.bytes);
        if (mutation.type !== 'write') return message;
        const operations = mutation.operations.map((operation) => ('vector' in operation ? { ...operation, vector: new Float32Array(DIM).fill(-1) } : operation));
        return { ...message, bytes: encodeMutation({ ...mutation, operations }) };
      });
    }
  };
  const log = new Proxy(bus.log, { get: (target, name) => (name === 'read' ? read : bound(target, name)) });
  return new Proxy(bus, { get: (target, name) => (name === 'log' ? log : bound(target, name)) });
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}

const statusOf = ({ shard }: Replica) => shard.status().slots[0];
const digestOf = (replica: Replica): string | undefined => statusOf(replica)?.content?.digest;
const valueOf = async ({ store }: Replica, key: number): Promise<number | undefined> => (await store.read({ code, partition }, `k${key}` as VectorKey))?.values[0];
const serving = ({ shard }: Replica): Promise<void> => shard.ready(AbortSignal.timeout(30_000));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

it('a row that changes on one disk is found though nobody asks for it, and the slot comes back from the log', async () => {
  const [one, two] = [await startReplica('one'), await startReplica('two')];
  await Promise.all([serving(one), serving(two)]);
  expect(digestOf(one)).toBe(digestOf(two));
  // The row of another vector under the same id: its own checksum is right.
  const vectors = await one.rows.iterator({ gte: Buffer.from([1]), lt: Buffer.from([2]), limit: 2 }).all();
  await one.rows.put(vectors[0]?.[0] as Buffer, vectors[1]?.[1] as Buffer);
  expect(await valueOf(one, 0)).toBe(1);
  await until(() => one.alarms.includes('replica_diverged'));
  await until(async () => statusOf(one)?.ready === true && (await valueOf(one, 0)) === 0);
  expect(digestOf(one)).toBe(digestOf(two));
  expect(two.alarms).toEqual([]);
  for (const { shard } of [one, two]) await shard.close();
});

it('a row that fails its checksum is found in the same way', async () => {
  const one = await startReplica('one');
  await serving(one);
  const [vector] = await one.rows.iterator({ gte: Buffer.from([1]), lt: Buffer.from([2]), limit: 1 }).all();
  await one.rows.put(vector?.[0] as Buffer, Buffer.from('damaged'));
  await until(() => one.alarms.includes('store_corrupt'));
  await until(async () => statusOf(one)?.ready === true && (await valueOf(one, 0)) === 0);
  await until(() => (statusOf(one)?.content?.verified?.count ?? 0) > 0);
  await one.shard.close();
});

it.each([['one', 'two'], ['two', 'one']])('of two replicas that differ, the one that did not follow the log (%s) is rebuilt', async (wrong, right) => {
  const [bad, good] = [await startReplica(wrong, altering(20)), await startReplica(right)];
  await Promise.all([serving(bad), serving(good)]);
  await until(() => bad.alarms.includes('replica_diverged') && good.alarms.includes('replica_diverged'));
  await until(async () => statusOf(bad)?.ready === true && (await valueOf(bad, 18)) === 18);
  await until(() => digestOf(bad) === digestOf(good));
  // Once they agree, the dispute is forgotten.
  await until(() => statusOf(bad)?.content?.rebuildCount === 0 && statusOf(good)?.content?.rebuildCount === 0);
  for (const { shard } of [bad, good]) await shard.close();
});
