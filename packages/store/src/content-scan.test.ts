import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEmbeddingSpec, slotOf, type EmbeddingCode, type Partition, type Sequence, type VecId, type VectorKey } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDigest, digestText, partitionTerm, payloadTerm, rowSum, slotDigest, vectorTerm } from './content-digest.ts';
import { sumOfPartitions } from './content-scan.ts';
import { KEYS, type PartitionRef } from './keyspace.ts';
import { openLevel, type Rows } from './open-level.ts';
import { encodeKeyRow, encodeStoredVector, encodeText, type PartitionRecord } from './records.ts';
import { bodyOf, seal, unsealed } from './sealed-value.ts';
import { ShardStore } from './shard-store.ts';
import { filterSnapshot } from './slot-filter.ts';
import { StoreBatch } from './store-batch.ts';

const SLOTS = 8;
const COUNT = 500;
const ref: PartitionRef = { code: 7 as EmbeddingCode, partition: 0 as Partition };
const slot = slotOf(ref.code, ref.partition, SLOTS);
const spec = parseEmbeddingSpec({
  code: 7, tenant: 'default', name: 'e7', model: 'm', dim: 4, distance: 'l2', hnsw: { m: 16, efConstruction: 200, seed: 1 }, rabitq: { bits: 4, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});
const idOf = (id: number): VecId => id as VecId;
const keyOf = (id: number): VectorKey => `key-${id}` as VectorKey;
const vectorOf = (id: number) => ({ sequence: (id + 1) as Sequence, timeMs: id, values: new Float32Array([id, 1, 2, 3]) });

let directory: string;
let rows: Rows;
let store: ShardStore;

/** Vectors 0 to COUNT - 1, every third with a payload, and records with their digest. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-content-scan-'));
  rows = await openLevel(directory);
  store = await ShardStore.over(rows, { directory, slots: SLOTS });
  const batch = new StoreBatch();
  let digest = 0n;
  for (let id = 0; id < COUNT; id += 1) {
    digest = addDigest(digest, rowSum(batch.putVector(ref, idOf(id), keyOf(id), vectorOf(id), id % 3 === 0 ? Buffer.from(`{"n":${id}}`) : undefined)));
  }
  const record: PartitionRecord = { spec, state: 'active', nextId: COUNT, operationCount: COUNT, vectorCount: COUNT, freedHead: 0, freedTail: 0, digest: digestText(digest) };
  batch.putPartition(slot, record, ref);
  batch.putSlot(slot, { appliedSequence: 9 as Sequence, messageCount: 3, setAsideCount: 0, operationHead: 0, operationTail: 0, digest: digestText(sumOfPartitions([{ ref, record }])) });
  await store.commit(batch, { sync: false });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const put = (key: Buffer, value: Buffer): Promise<void> => rows.put(key, value);
const unhurried = async (): Promise<void> => undefined;

describe('the digest of a content', () => {
  it('has the frozen terms of version 1', () => {
    expect(digestText(vectorTerm(ref, 'é' as VectorKey, bodyOf(encodeStoredVector(vectorOf(1)))))).toMatchInlineSnapshot(`"32570df509a93897"`);
    expect(digestText(payloadTerm(ref, 'é' as VectorKey, Buffer.from('{}'), undefined))).toMatchInlineSnapshot(`"d9edf33fffc16fcc"`);
    expect(digestText(payloadTerm(ref, 'é' as VectorKey, Buffer.from('{}'), 5 as Sequence))).toMatchInlineSnapshot(`"dcc7303c253f3713"`);
    expect(digestText(partitionTerm(ref, 'active', { ...spec, fields: [{ name: 'year', type: 'integer' }] }))).toMatchInlineSnapshot(`"9adb0148dc4195e7"`);
    expect(digestText(partitionTerm(ref, 'dropped', spec))).toMatchInlineSnapshot(`"30d41e4e2aa2ccda"`);
    expect(digestText(slotDigest(5n, 3))).toMatchInlineSnapshot(`"f9104804abde6ec8"`);
    expect(encodeKeyRow(idOf(258), { vector: 1n, payload: 2n }).toString('hex')).toMatchInlineSnapshot(`"020201000001000000000000000200000000000000cea4a154"`);
  });
});

describe('a scan of a slot', () => {
  it('finds rows that are as they were written, in slices', async () => {
    const slices: number[] = [];
    expect(await store.scanSlot(slot, async (count) => void slices.push(count))).toEqual({ appliedSequence: 9, vectorCount: COUNT });
    expect(slices.reduce((sum, count) => sum + count)).toBe(2 * COUNT);
    expect(Math.max(...slices)).toBeLessThan(COUNT);
  });

  it('ends when its pace rejects', async () => {
    await expect(store.scanSlot(slot, () => Promise.reject(new Error('stop')))).rejects.toThrow('stop');
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['a vector with another component', 'replica_diverged', () => put(KEYS.vector(ref, idOf(77)), encodeStoredVector({ ...vectorOf(77), values: new Float32Array([77, 1, 2, 4]) }))],
    ['a vector that fails its checksum', 'store_corrupt', () => put(KEYS.vector(ref, idOf(77)), Buffer.from('damaged'))],
    ['a vector with its key missing', 'replica_diverged', () => rows.del(KEYS.idReverse(ref, idOf(3)))],
    ['a vector missing', 'replica_diverged', () => rows.del(KEYS.vector(ref, idOf(4)))],
    ['a vector and its key missing', 'replica_diverged', () => rows.batch([{ type: 'del', key: KEYS.vector(ref, idOf(4)) }, { type: 'del', key: KEYS.idReverse(ref, idOf(4)) }, { type: 'del', key: KEYS.idForward(ref, keyOf(4)) }])],
    ['a payload missing', 'replica_diverged', () => rows.del(KEYS.payload(ref, idOf(6)))],
    ['a payload left over', 'replica_diverged', () => put(KEYS.payload(ref, idOf(COUNT)), encodeText('{}'))],
    ['a key that leads nowhere', 'replica_diverged', () => rows.del(KEYS.idForward(ref, keyOf(9)))],
    ['two keys that lead to each other', 'replica_diverged', async () => {
      const [one, two] = await rows.getMany([KEYS.idForward(ref, keyOf(1)), KEYS.idForward(ref, keyOf(2))]);
      await put(KEYS.idForward(ref, keyOf(1)), two as Buffer);
      await put(KEYS.idForward(ref, keyOf(2)), one as Buffer);
    }],
    ['a partition whose record is missing', 'replica_diverged', () => rows.del(KEYS.partition(ref))],
    ['a partition that is not listed', 'replica_diverged', () => rows.del(KEYS.slotPartition(slot, ref))],
  ])('notices %s', async (_name, code, damage) => {
    await damage();
    await expect(store.scanSlot(slot, unhurried)).rejects.toMatchObject({ code });
  });

  it('refuses a snapshot that is whole but was taken of damaged rows, and leaves nothing of it', async () => {
    await put(KEYS.vector(ref, idOf(77)), encodeStoredVector({ ...vectorOf(77), values: new Float32Array([0, 0, 0, 0]) }));
    const taken = await store.exportSlot(slot);
    const pieces: Uint8Array[] = [];
    for await (const piece of taken?.content ?? []) pieces.push(Uint8Array.from(piece));
    await taken?.close();
    const other = await ShardStore.open({ directory: join(directory, 'other'), slots: SLOTS });
    const content = (async function* () { yield* pieces; })();
    await expect(other.importSlot(slot, content, new AbortController().signal)).rejects.toMatchObject({ code: 'snapshot_corrupt' });
    expect(await other.slot(slot)).toBeUndefined();
    expect(await other.partitions(slot)).toEqual([]);
    await other.close();
  });
});

describe('a snapshot of some embeddings only', () => {
  it.each([['with', true, COUNT], ['without', false, 0]])('carries the digest of what stays, %s the embedding', async (_name, wanted, vectorCount) => {
    const taken = await store.exportSlot(slot);
    const other = await ShardStore.open({ directory: join(directory, 'other'), slots: SLOTS });
    await other.importSlot(slot, filterSnapshot(taken?.content ?? expect.unreachable(), () => wanted), new AbortController().signal);
    await taken?.close();
    expect(await other.scanSlot(slot, unhurried)).toEqual({ appliedSequence: 9, vectorCount });
    expect((await other.slot(slot))?.digest === (await store.slot(slot))?.digest).toBe(wanted);
    await other.close();
  });
});

describe('rows from before there were digests', () => {
  it('get the digests that they would have been written with', async () => {
    const before = await store.slot(slot);
    const [partition] = await store.partitions(slot);
    const { digest: _slot, ...oldSlot } = before ?? (undefined as never);
    const { digest: _partition, ...oldPartition } = partition?.record ?? (undefined as never);
    const batch = new StoreBatch();
    batch.putPartition(slot, oldPartition, ref);
    batch.putSlot(slot, oldSlot);
    await store.commit(batch, { sync: false });
    for (let id = 0; id < COUNT; id += 1) {
      const row = unsealed(4);
      row.writeUInt32LE(id, 1);
      await put(KEYS.idForward(ref, keyOf(id)), seal(row));
    }
    expect(await store.findKeys(ref, [keyOf(5)])).toEqual([{ id: 5 }]);
    expect(await store.slotWithDigest(slot)).toEqual(before);
    expect(await store.partitions(slot)).toEqual([partition]);
    expect((await store.findKeys(ref, [keyOf(5)]))[0]?.digest).toBeDefined();
    expect(await store.scanSlot(slot, unhurried)).toMatchObject({ vectorCount: COUNT });
  });
});
