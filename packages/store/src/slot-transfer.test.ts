import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEmbeddingSpec, slotOf, type EmbeddingCode, type EmbeddingSpec, type OperationId, type Partition, type Sequence, type Slot, type VecId, type VectorKey } from '@shoal/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PartitionRef } from './keyspace.ts';
import { openLevel } from './open-level.ts';
import { ShardStore } from './shard-store.ts';
import { StoreBatch } from './store-batch.ts';

const SLOTS = 8;
const never = new AbortController().signal;
const ref: PartitionRef = { code: 7 as EmbeddingCode, partition: 0 as Partition };
const elsewhere: PartitionRef = { code: 9 as EmbeddingCode, partition: 0 as Partition };
const slotOfRef = (at: PartitionRef): Slot => slotOf(at.code, at.partition, SLOTS);

function specOf({ code }: PartitionRef): EmbeddingSpec {
  const hnsw = { m: 16, efConstruction: 200, seed: 1 };
  return parseEmbeddingSpec({ code, tenant: 'default', name: `e${code}`, model: 'm', dim: 4, distance: 'l2', hnsw, rabitq: { bits: 4, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1 });
}

async function fill(store: ShardStore, at: PartitionRef, slot: Slot, state: 'active' | 'dropped', vectorCount: number): Promise<void> {
  const batch = new StoreBatch();
  batch.putPartition(slot, { spec: specOf(at), state, nextId: vectorCount, operationCount: vectorCount, vectorCount, freedHead: 0, freedTail: 1 }, at);
  for (let id = 0; id < vectorCount; id += 1) {
    const payload = id % 3 === 0 ? Buffer.from(`{"n":${id}}`) : undefined;
    batch.putVector(at, id as VecId, `key-${id}` as VectorKey, { sequence: (id + 1) as Sequence, timeMs: id, values: new Float32Array([id, 1, 2, 3]) }, payload);
  }
  batch.putFreedId(at, 0, { id: 1 as VecId, freedAtOperation: 3 });
  batch.putSetAside(slot, 5 as Sequence, { reason: 'corrupt_message', message: 'x', timeMs: 1, subject: 's', messageBytes: 3, bytes: Buffer.from('abc') });
  batch.putRecentOperation(slot, 0, { sequence: 4 as Sequence, operationId: 'ab'.repeat(16) as OperationId, outcomes: new Uint8Array([1, 2]) });
  batch.putSlot(slot, { ...(await emptyRecord()), appliedSequence: (vectorCount + 1) as Sequence });
  await store.commit(batch, { sync: false });
}

async function emptyRecord(): Promise<Parameters<StoreBatch['putSlot']>[1]> {
  return { appliedSequence: 0 as Sequence, messageCount: 1, setAsideCount: 1, operationHead: 0, operationTail: 1, idempotencyHead: 0, idempotencyTail: 0 };
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

async function* cut(bytes: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

describe('snapshots of a slot', () => {
  let directory: string;
  let store: ShardStore;
  const slot = slotOfRef(ref);
  const open = (name: string): Promise<ShardStore> => ShardStore.open({ directory: join(directory, name), slots: SLOTS });

  async function rowsOf(name: string): Promise<Map<string, string>> {
    const rows = await openLevel(join(directory, name));
    const found = (await rows.iterator().all()).map(([key, value]): [string, string] => [key.toString('hex'), value.toString('hex')]);
    await rows.close();
    return new Map(found);
  }

  async function snapshotOf(from: ShardStore): Promise<Buffer> {
    const exported = await from.exportSlot(slot);
    const bytes = await collect(exported?.content ?? cut(Buffer.alloc(0), 1));
    await exported?.close();
    return bytes;
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-transfer-'));
    store = await open('from');
    await fill(store, ref, slot, 'active', 2_500);
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it('carries every row of the slot into another store, byte for byte, and nothing of another slot', async () => {
    const otherSlot = slotOfRef(elsewhere);
    expect(otherSlot).not.toBe(slot);
    const snapshot = await snapshotOf(store);
    await fill(store, elsewhere, otherSlot, 'active', 20);
    expect((await snapshotOf(store)).equals(snapshot)).toBe(true);
    await store.removeSlot(otherSlot);
    const target = await open('to');
    expect(await target.importSlot(slot, cut(snapshot, 1_000), never)).toBe(2_501);
    await target.close();
    await store.close();
    expect(await rowsOf('to')).toEqual(await rowsOf('from'));
    store = await open('from');
  });

  it('takes the slot as it was at the start, whatever is written while it is read', async () => {
    const exported = await store.exportSlot(slot);
    const before = await snapshotOf(store);
    const reading = collect(exported?.content ?? cut(Buffer.alloc(0), 1));
    await fill(store, ref, slot, 'active', 2_600);
    expect((await reading).equals(before)).toBe(true);
    await exported?.close();
    expect((await snapshotOf(store)).equals(before)).toBe(false);
  });

  it('replaces what the slot held, and leaves the rows of a dropped partition out', async () => {
    const snapshot = await snapshotOf(store);
    const target = await open('to');
    await fill(target, ref, slot, 'active', 4_000);
    await target.importSlot(slot, cut(snapshot, 77_777), never);
    expect((await snapshotOf(target)).equals(snapshot)).toBe(true);
    const batch = new StoreBatch();
    batch.putPartition(slot, { spec: specOf(ref), state: 'dropped', nextId: 0, operationCount: 0, vectorCount: 0, freedHead: 0, freedTail: 0 }, ref);
    await target.commit(batch, { sync: false });
    expect((await snapshotOf(target)).length).toBeLessThan(snapshot.length / 10);
    await target.close();
  });

  it('refuses one that is damaged or cut anywhere, and leaves nothing of it', async () => {
    const snapshot = await snapshotOf(store);
    const target = await open('to');
    const tail = await open('untouched');
    await tail.close();
    await fc.assert(
      fc.asyncProperty(fc.nat(snapshot.length - 1), fc.integer({ min: 0, max: 7 }), fc.boolean(), async (at, bit, cutsOff) => {
        const damaged = Buffer.from(snapshot);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        const content = cutsOff ? snapshot.subarray(0, at) : damaged;
        await expect(target.importSlot(slot, cut(content, 65_536), never)).rejects.toMatchObject({ code: expect.stringMatching(/^(snapshot_corrupt|store_incompatible)$/) });
        expect(await target.slot(slot)).toBeUndefined();
        expect(await target.partitions(slot)).toEqual([]);
      }),
      { numRuns: 40 },
    );
    await target.close();
    expect(await rowsOf('to')).toEqual(await rowsOf('untouched'));
  });

  it('refuses one of another slot or slot count', async () => {
    const snapshot = await snapshotOf(store);
    await expect(store.importSlot(((slot + 1) % SLOTS) as Slot, cut(snapshot, 1_000), never)).rejects.toMatchObject({ code: 'store_incompatible' });
    expect(await store.slot(slot)).toBeDefined();
  });

  it('has nothing to give of a slot to which nothing was applied', async () => {
    expect(await store.exportSlot(((slot + 1) % SLOTS) as Slot)).toBeUndefined();
  });
});
