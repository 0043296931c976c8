import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEmbeddingSpec, type EmbeddingSpec, type OperationId, type Sequence, type Slot, type VecId, type VectorKey } from '@shoal/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYS, RANGES, FAMILY, type PartitionRef } from './keyspace.ts';
import { decodeRecentOperation, decodeSetAside, decodeStoredVector, encodeRecentOperation, encodeSetAside, encodeStoredVector } from './records.ts';
import { seal, unseal } from './sealed-value.ts';
import { ShardStore } from './shard-store.ts';
import { StoreBatch } from './store-batch.ts';

const spec: EmbeddingSpec = parseEmbeddingSpec({
  code: 7,
  tenant: 'default',
  name: 'sift',
  model: 'sift',
  dim: 2,
  distance: 'l2',
  hnsw: { m: 16, efConstruction: 200, seed: 1 },
  rabitq: { bits: 4, seed: 42 },
  storage: 'f32',
  partitions: 2,
  replicas: 1,
});
const ref = { code: 7, partition: 1 } as PartitionRef;
const other = { code: 7, partition: 0 } as PartitionRef;
const slot = 3 as Slot;

let directory: string;
let store: ShardStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-store-'));
  store = await ShardStore.open({ directory, slots: 8 });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

function vector(id: number, values: number[]): { id: VecId; key: VectorKey; values: Float32Array } {
  return { id: id as VecId, key: `key-${id}` as VectorKey, values: new Float32Array(values) };
}

async function put(where: PartitionRef, ...vectors: ReturnType<typeof vector>[]): Promise<void> {
  const batch = new StoreBatch();
  for (const { id, key, values } of vectors) batch.putVector(where, id, key, { sequence: 9 as Sequence, timeMs: 5, values }, undefined);
  await store.commit(batch, { sync: false });
}

describe('ShardStore', () => {
  it('finds vectors, keys and payloads of one partition only', async () => {
    const batch = new StoreBatch();
    batch.putVector(ref, 0 as VecId, 'a' as VectorKey, { sequence: 1 as Sequence, timeMs: 2, values: new Float32Array([1, 2]) }, Buffer.from('{"x":1}'));
    await store.commit(batch, { sync: true });
    expect(await store.findIds(ref, ['a', 'b'] as VectorKey[])).toEqual([0, undefined]);
    expect(await store.findIds(other, ['a'] as VectorKey[])).toEqual([undefined]);
    expect(Buffer.from((await store.read(ref, 'a' as VectorKey))?.payload ?? []).toString()).toBe('{"x":1}');
    expect(await store.read(other, 'a' as VectorKey)).toBeUndefined();
    const [row, missing] = await store.rows(ref, [0, 1] as VecId[], { payloads: true });
    expect(row?.values).toEqual(new Float32Array([1, 2]));
    expect(missing).toBeUndefined();
  });

  it('scans in ascending id across pages and leaves other partitions out', async () => {
    const count = 2_500;
    await put(ref, ...Array.from({ length: count }, (_, index) => vector((index * 7919) % count, [index, 0])));
    await put(other, vector(1, [0, 0]));
    const ids: number[] = [];
    for await (const page of store.scanVectors(ref)) ids.push(...page.map(({ id }) => id));
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => index));
    const keys: string[] = [];
    for await (const page of store.scanKeys(ref)) keys.push(...page.map(({ key }) => key));
    expect(keys.length).toBe(count);
  });

  it('keeps the key of a replaced vector and ends the key of a deleted one', async () => {
    await put(ref, vector(0, [1, 1]));
    const replaced = new StoreBatch();
    replaced.removeVector(ref, 0 as VecId, 'key-0' as VectorKey, { unlinkKey: false });
    replaced.putVector(ref, 1 as VecId, 'key-0' as VectorKey, { sequence: 2 as Sequence, timeMs: 1, values: new Float32Array([2, 2]) }, undefined);
    await store.commit(replaced, { sync: false });
    expect((await store.read(ref, 'key-0' as VectorKey))?.values).toEqual(new Float32Array([2, 2]));
    const deleted = new StoreBatch();
    deleted.removeVector(ref, 1 as VecId, 'key-0' as VectorKey, { unlinkKey: true });
    await store.commit(deleted, { sync: false });
    expect(await store.read(ref, 'key-0' as VectorKey)).toBeUndefined();
  });

  it('keeps slot records, partitions, freed ids, recent operations and set-aside messages over a restart', async () => {
    const batch = new StoreBatch();
    const record = { spec, state: 'active' as const, nextId: 4, operationCount: 9, vectorCount: 3, freedHead: 0, freedTail: 1 };
    batch.putPartition(slot, record, ref);
    batch.putSlot(slot, { appliedSequence: 12 as Sequence, messageCount: 5, setAsideCount: 1, operationHead: 0, operationTail: 1 });
    batch.putFreedId(ref, 0, { id: 2 as VecId, freedAtOperation: 8 });
    batch.putRecentOperation(slot, 0, { sequence: 12 as Sequence, operationId: '0'.repeat(32) as OperationId, outcomes: Uint8Array.of(1) });
    batch.putSetAside(slot, 11 as Sequence, { reason: 'corrupt_message', message: 'bad', timeMs: 1, subject: 's', messageBytes: 3, bytes: Uint8Array.of(1, 2, 3) });
    await store.commit(batch, { sync: false });
    await store.close();
    store = await ShardStore.open({ directory, slots: 8 });
    expect(await store.slot(slot)).toEqual({ appliedSequence: 12, messageCount: 5, setAsideCount: 1, operationHead: 0, operationTail: 1 });
    expect(await store.partitions(slot)).toEqual([{ ref, record }]);
    expect(await store.partitions(4 as Slot)).toEqual([]);
    expect(await store.freedIds(ref)).toEqual([{ position: 0, freed: { id: 2, freedAtOperation: 8 } }]);
    expect((await store.recentOperations(slot))[0]?.operation.sequence).toBe(12);
    const [aside] = await store.setAside(slot, 10);
    expect(aside).toEqual({ sequence: 11, record: { reason: 'corrupt_message', message: 'bad', timeMs: 1, subject: 's', messageBytes: 3, bytes: Uint8Array.of(1, 2, 3) } });
  });

  it('purges every row of a partition but its record, and nothing of another', async () => {
    const batch = new StoreBatch();
    batch.putPartition(slot, { spec, state: 'dropped', nextId: 0, operationCount: 0, vectorCount: 0, freedHead: 0, freedTail: 0 }, ref);
    await store.commit(batch, { sync: false });
    await put(ref, vector(0, [1, 1]), vector(1, [1, 1]));
    await put(other, vector(0, [3, 3]));
    expect(await store.purgePartition(ref)).toBe(3);
    const left: number[] = [];
    for await (const page of store.scanVectors(ref)) left.push(page.length);
    expect(left).toEqual([]);
    expect((await store.partitions(slot)).length).toBe(1);
    expect((await store.read(other, 'key-0' as VectorKey))?.values).toEqual(new Float32Array([3, 3]));
  });

  it('leaves the disk alone when a purge is repeated', async () => {
    await put(ref, vector(0, [1, 1]));
    await store.purgePartition(ref);
    await put(other, vector(0, [3, 3]));
    const files = (await readdir(directory)).sort();
    expect(await store.purgePartition(ref)).toBe(0);
    expect((await readdir(directory)).sort()).toEqual(files);
  });

  it('refuses a second opener and another slot count, each by its code', async () => {
    await expect(ShardStore.open({ directory, slots: 8 })).rejects.toMatchObject({ code: 'directory_locked' });
    await store.close();
    await expect(ShardStore.open({ directory, slots: 9 })).rejects.toMatchObject({ code: 'store_incompatible' });
    store = await ShardStore.open({ directory, slots: 8 });
  });

  it('refuses a directory that is a file', async () => {
    await expect(ShardStore.open({ directory: join(directory, 'CURRENT'), slots: 8 })).rejects.toMatchObject({ code: 'directory_unusable' });
  });
});

describe('keys and values on disk', () => {
  it('have the frozen bytes of version 1', () => {
    expect(KEYS.vector(ref, 258 as VecId).toString('hex')).toBe('010000000000000007000100000102');
    expect(KEYS.idForward(ref, 'é').toString('hex')).toBe('0600000000000000070001c3a9');
    expect(KEYS.checkpoint(ref).toString('hex')).toBe('040000000000000007000163');
    expect(KEYS.changes(ref, 258).toString('hex')).toBe('04000000000000000700016a0000000000000102');
    expect(KEYS.partition(ref).toString('hex')).toBe('050000000000000007000170');
    expect(KEYS.slotPartition(slot, ref).toString('hex')).toBe('0a00036400000000000000070001');
    expect(KEYS.recentOperation(slot, 1).toString('hex')).toBe('0a00036f0000000000000001');
    expect(KEYS.setAside(slot, 5 as Sequence).toString('hex')).toBe('0b00030000000000000005');
    const stored = encodeStoredVector({ sequence: 1 as Sequence, timeMs: 2, values: new Float32Array([1]) });
    expect(stored.toString('hex')).toBe('01010000000000000002000000000000000000803f' + stored.subarray(-4).toString('hex'));
    expect(stored.subarray(-4).toString('hex')).toMatchInlineSnapshot(`"ba5667da"`);
  });

  it('order keys of one family by code, partition and id', () => {
    const number = fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 0, max: 1023 }), fc.integer({ min: 0, max: 2 ** 24 - 1 }));
    fc.assert(
      fc.property(number, number, (a, b) => {
        const key = ([code, partition, id]: [number, number, number]) => KEYS.vector({ code, partition } as PartitionRef, id as VecId);
        const expected = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
        expect(Math.sign(Buffer.compare(key(a), key(b)))).toBe(Math.sign(expected));
      }),
    );
  });

  it('gives every key of a partition, and no other, to its range', () => {
    const code = fc.constantFrom(1, 255, 256, 65_535, 2 ** 40);
    const partition = fc.constantFrom(0, 1, 255, 256, 1023);
    fc.assert(
      fc.property(code, partition, code, partition, fc.integer({ min: 0, max: 2 ** 24 - 1 }), (code1, partition1, code2, partition2, id) => {
        const range = RANGES.partition(FAMILY.vectors, { code: code1, partition: partition1 } as PartitionRef);
        const key = KEYS.vector({ code: code2, partition: partition2 } as PartitionRef, id as VecId);
        const inside = Buffer.compare(key, range.gte) >= 0 && Buffer.compare(key, range.lt) < 0;
        expect(inside).toBe(code1 === code2 && partition1 === partition2);
      }),
    );
  });

  it('come back as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { maxLength: 40 }), fc.uint8Array({ maxLength: 30 }), (components, bytes) => {
        const values = new Float32Array(components);
        expect(decodeStoredVector(encodeStoredVector({ sequence: 5 as Sequence, timeMs: 7, values }))).toEqual({ sequence: 5, timeMs: 7, values });
        const operation = { sequence: 3 as Sequence, operationId: 'ab'.repeat(16) as OperationId, outcomes: bytes };
        expect(decodeRecentOperation(encodeRecentOperation(operation))).toEqual(operation);
        const aside = { reason: 'corrupt_message' as const, message: 'line\nbreak', timeMs: 1, subject: 'é', messageBytes: bytes.length, bytes };
        expect(decodeSetAside(encodeSetAside(aside))).toEqual(aside);
      }),
    );
  });

  it('refuse any altered byte', () => {
    const value = encodeStoredVector({ sequence: 5 as Sequence, timeMs: 7, values: new Float32Array([1, 2, 3]) });
    for (let index = 0; index < value.length; index += 1) {
      const damaged = Buffer.from(value);
      damaged[index] = (damaged[index] ?? 0) ^ 0x10;
      expect(() => decodeStoredVector(damaged)).toThrow(expect.objectContaining({ code: 'store_corrupt' }) as Error);
    }
    for (let length = 0; length < value.length; length += 1) {
      expect(() => decodeStoredVector(value.subarray(0, length))).toThrow(expect.objectContaining({ code: 'store_corrupt' }) as Error);
    }
  });

  it('name a newer version as such', () => {
    const value = Buffer.from([2, 0, 0, 0, 0, 0]);
    expect(() => unseal(seal(value), 'vector')).toThrow(expect.objectContaining({ code: 'store_incompatible' }) as Error);
  });
});
