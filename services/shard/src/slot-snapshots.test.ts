import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus } from '@shoal/bus';
import { Engine } from '@shoal/index';
import { systemTimers, type Timers } from '@shoal/pacing';
import { ReplicaProgress, forgetReplica } from '@shoal/placement';
import { encodeMutation, parseEmbeddingCode, parseEmbeddingSpec, parseOperationId, parsePartition, parseShardId, type Mutation, type Sequence, type Slot, type VectorKey } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { ClassicLevel } from 'classic-level';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OneAtATime } from './one-at-a-time.ts';
import { SlotSnapshots } from './slot-snapshots.ts';
import { PeerProgress } from './peer-progress.ts';
import { SlotWorker } from './slot-worker.ts';

const slot = 0 as Slot;
const [code, partition] = [parseEmbeddingCode(1), parsePartition(0)];
const DIM = 16;
const LOG_BYTES = 20_000;
/** Looks come a hundred times as often. */
const quickTimers: Timers = { after: (delayMs, callback) => systemTimers.after(delayMs / 100, callback) };
const spec = parseEmbeddingSpec({
  code, tenant: 'default', name: 'e', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 16, efConstruction: 200, seed: 1 }, rabitq: { bits: 8, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});

let directory: string;
let bus: Bus;
let engine: Engine;
let operationCount: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-slot-snapshots-'));
  bus = await openEmbeddedBus({ directory: join(directory, 'log'), snapshotDirectory: join(directory, 'snapshots'), slots: 1, durability: 'os' });
  engine = await Engine.start({ memoryMaxBytes: 64 * 2 ** 20, searchThreadCount: 1 });
  operationCount = 0;
  await publish((operationId) => ({ type: 'define', operationId, code, partition, spec }));
});
afterEach(async () => {
  await engine.close();
  await bus.close();
  await rm(directory, { recursive: true });
});

async function publish(mutation: (operationId: ReturnType<typeof parseOperationId>) => Mutation): Promise<Sequence> {
  operationCount += 1;
  const operationId = parseOperationId(operationCount.toString(16).padStart(32, '0'));
  const [sequence] = await bus.log.publish([{ address: { slot, code, partition }, operationId, bytes: encodeMutation(mutation(operationId)) }], { timeoutMs: 5_000 });
  return sequence as Sequence;
}

/** Upserts of 20 of 200 keys in each message. */
async function write(messageCount: number): Promise<Sequence> {
  let last = 0 as Sequence;
  for (let message = 0; message < messageCount; message += 1) {
    const operations = Array.from({ length: 20 }, (_, index) => ({
      type: 'upsert' as const, key: `k${(operationCount * 20 + index) % 200}` as VectorKey, vector: new Float32Array(DIM).fill(operationCount + index / 100),
    }));
    last = await publish((operationId) => ({ type: 'write', operationId, code, partition, dim: DIM, operations }));
  }
  return last;
}

interface Replica {
  readonly store: ShardStore;
  readonly worker: SlotWorker;
  readonly errors: string[];
  stop(): Promise<void>;
}

async function startReplica(name: string, logBytes = LOG_BYTES): Promise<Replica> {
  const store = await ShardStore.open({ directory: join(directory, name), slots: 1 });
  const errors: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => void errors.push((JSON.parse(line) as { err?: { code?: string } }).err?.code ?? 'none') });
  const snapshots = new SlotSnapshots({ slot, shard: parseShardId(name), bus, store, timers: quickTimers, logger, logBytes, turns: new OneAtATime() });
  const worker = new SlotWorker({ slot, slots: 1, shard: parseShardId('s1'), peers: new PeerProgress(parseShardId('s1'), Date.now), store, engine, nowMs: Date.now, timers: quickTimers, bus, logger, snapshots, onChange: () => undefined, onStoreFailure: () => undefined });
  const stop = new AbortController();
  const running = worker.run(stop.signal);
  return {
    store, worker, errors,
    stop: async () => {
      stop.abort();
      await running;
      await store.close();
    },
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const applied = (replica: Replica, sequence: Sequence): Promise<void> => until(() => replica.worker.status().appliedSequence >= sequence && replica.worker.status().ready);

async function vectorsOf({ store }: Replica): Promise<Map<string, number | undefined>> {
  const found = new Map<string, number | undefined>();
  for (let key = 0; key < 200; key += 1) found.set(`k${key}`, (await store.read({ code, partition }, `k${key}` as VectorKey))?.values[0]);
  return found;
}

/** Writes until the log begins later than at its start, and says where. */
async function writeUntilTrimmed(replicas: readonly Replica[]): Promise<Sequence> {
  const before = await bus.log.trimmedBefore(slot);
  for (let round = 0; round < 200 && (await bus.log.trimmedBefore(slot)) <= before; round += 1) {
    const last = await write(10);
    for (const replica of replicas) await applied(replica, last);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return bus.log.trimmedBefore(slot);
}

describe('snapshots of a shard', () => {
  it('keep log and snapshots bounded under endless writes', async () => {
    const replica = await startReplica('one');
    const kept: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const trimmedBefore = await writeUntilTrimmed([replica]);
      kept.push((await bus.log.lastSequence(slot)) - trimmedBefore);
      expect((await bus.snapshots.list(slot)).length).toBeLessThanOrEqual(3);
    }
    expect(kept.at(-1)).toBeLessThan(operationCount / 2);
    expect(replica.errors).toEqual([]);
    await replica.stop();
  });

  it('bring a shard back whose whole directory was deleted, with every vector', async () => {
    const replica = await startReplica('one');
    await writeUntilTrimmed([replica]);
    const last = await write(3);
    await applied(replica, last);
    const vectors = await vectorsOf(replica);
    await replica.stop();
    await rm(join(directory, 'one'), { recursive: true });
    const back = await startReplica('one');
    await applied(back, last);
    expect(await vectorsOf(back)).toEqual(vectors);
    expect(back.worker.status().vectorCount).toBe(200);
    await back.stop();
  });

  it('fall back to an older one when the newest is damaged, and say so', async () => {
    const replica = await startReplica('one');
    await writeUntilTrimmed([replica]);
    const last = await write(3);
    await applied(replica, last);
    const vectors = await vectorsOf(replica);
    await replica.stop();
    await rm(join(directory, 'one'), { recursive: true });
    const [newest] = await bus.snapshots.list(slot);
    const path = join(directory, 'snapshots', 'slot-0', newest?.name ?? '');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 100));
    const back = await startReplica('one', 1e9);
    await applied(back, last);
    expect(back.errors).toEqual(['snapshot_corrupt']);
    expect(await vectorsOf(back)).toEqual(vectors);
    await back.stop();
  });

  it('say that the slot is lost, and do not answer, when the log was trimmed and no snapshot can be read', async () => {
    const replica = await startReplica('one');
    await writeUntilTrimmed([replica]);
    await replica.stop();
    await rm(join(directory, 'one'), { recursive: true });
    for (const file of await readdir(join(directory, 'snapshots', 'slot-0'))) await rm(join(directory, 'snapshots', 'slot-0', file));
    const back = await startReplica('one');
    await until(() => back.errors.includes('log_trimmed'));
    expect(back.worker.status().ready).toBe(false);
    await back.stop();
  });

  it('wait with the log for a replica that is away, and let it go when the replica is forgotten', async () => {
    const away = await startReplica('two');
    await applied(away, await write(1));
    await away.stop();
    const replica = await startReplica('one');
    for (let round = 0; round < 8; round += 1) await applied(replica, await write(30));
    await until(async () => (await bus.snapshots.list(slot)).length >= 2);
    const { durable } = (await new ReplicaProgress(bus.registry, slot, parseShardId('one')).replicas()).find(({ shard }) => shard === 'two') ?? { durable: -1 };
    expect(await bus.log.trimmedBefore(slot)).toBeLessThanOrEqual(durable);
    await forgetReplica(bus.registry, slot, parseShardId('two'));
    expect(await writeUntilTrimmed([replica])).toBeGreaterThan(durable);
    // It comes back behind the log, and begins from a snapshot.
    const back = await startReplica('two');
    await applied(back, await bus.log.lastSequence(slot));
    expect(await vectorsOf(back)).toEqual(await vectorsOf(replica));
    await back.stop();
    await replica.stop();
  });

  it('replace rows that are damaged on disk', async () => {
    const replica = await startReplica('one');
    await writeUntilTrimmed([replica]);
    const last = await write(3);
    await applied(replica, last);
    const vectors = await vectorsOf(replica);
    const [id] = await replica.store.findIds({ code, partition }, ['k7' as VectorKey]);
    await replica.stop();
    await damageVector(id ?? 0);
    const back = await startReplica('one');
    await applied(back, last);
    expect(back.errors).toContain('store_corrupt');
    expect(await vectorsOf(back)).toEqual(vectors);
    await back.stop();
  });
});

/** Flips a bit of a vector's row behind the store's back. */
async function damageVector(id: number): Promise<void> {
  const rows = new ClassicLevel<Buffer, Buffer>(join(directory, 'one'), { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  const key = Buffer.alloc(15);
  key[0] = 1;
  key.writeBigUInt64BE(BigInt(code), 1);
  key.writeUInt32BE(id, 11);
  const value = await rows.get(key);
  if (value === undefined) throw new Error('the vector has no row');
  value[20] = (value[20] ?? 0) ^ 1;
  await rows.put(key, value);
  await rows.close();
}
