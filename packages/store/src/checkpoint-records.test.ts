import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEmbeddingCode, parsePartition, type VecId } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { decodeChanges, decodeCheckpointRecord, encodeChanges, encodeCheckpointRecord, type ChangedIds } from './checkpoint-records.ts';
import { KEYS } from './keyspace.ts';
import { openLevel } from './open-level.ts';
import { ShardStore } from './shard-store.ts';
import { StoreBatch } from './store-batch.ts';

const ref = { code: parseEmbeddingCode(7), partition: parsePartition(1) };
const ids = (...numbers: number[]): VecId[] => numbers as VecId[];

it('has the layouts that are on disks already', () => {
  const record = { file: '7-1-300.index', operationCount: 300, fileBytes: 1_000 };
  const sealed = '017b2266696c65223a22372d312d3330302e696e646578222c226f7065726174696f6e436f756e74223a3330302c2266696c654279746573223a313030307d';
  expect(encodeCheckpointRecord(record).toString('hex').slice(0, -8)).toBe(sealed);
  expect(decodeCheckpointRecord(encodeCheckpointRecord(record))).toEqual(record);
  const changes = encodeChanges(305, ids(1, 258));
  expect(changes.toString('hex').slice(0, -8)).toBe('0131010000000000000100000002010000');
  expect(decodeChanges(300, changes)).toEqual({ fromOperation: 300, toOperation: 305, ids: [1, 258] });
});

it('gives changes in the order of operations from one on, forgets those before one, and does without a record that is damaged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-checkpoint-records-'));
  const rows = await openLevel(directory);
  const store = await ShardStore.over(rows, { directory, slots: 1 });
  const batch = new StoreBatch();
  for (const from of [0, 5, 300, 70_000]) batch.putChanges(ref, { fromOperation: from, toOperation: from + 5, ids: ids(from) });
  batch.putChanges({ ...ref, partition: parsePartition(2) }, { fromOperation: 1, toOperation: 2, ids: ids(9) });
  batch.putCheckpoint(ref, { file: 'f', operationCount: 5, fileBytes: 1 });
  await store.commit(batch, { sync: false });
  const from = async (operation: number): Promise<ChangedIds[]> => {
    const found: ChangedIds[] = [];
    for await (const page of store.changesFrom(ref, operation)) found.push(...page);
    return found;
  };
  expect((await from(5)).map(({ fromOperation }) => fromOperation)).toEqual([5, 300, 70_000]);
  await store.clearChanges(ref, 300);
  expect((await from(0)).map(({ fromOperation }) => fromOperation)).toEqual([300, 70_000]);
  expect(await store.checkpoint(ref)).toEqual({ file: 'f', operationCount: 5, fileBytes: 1 });
  await rows.put(KEYS.checkpoint(ref), Buffer.from('nonsense'));
  expect(await store.checkpoint(ref)).toBeUndefined();
  await store.close();
  await rm(directory, { recursive: true });
});
