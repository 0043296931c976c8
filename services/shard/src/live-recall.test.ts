import { Engine } from '@shoal/index';
import { systemTimers } from '@shoal/pacing';
import { parseEmbeddingCode, parsePartition, type SearchItem, type Sequence } from '@shoal/protocol';
import { SLOT_LIMITS, type ActivePartition, type EngineSearch } from '@shoal/shard-core';
import { RecallMeter } from '@shoal/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LiveRecall } from './live-recall.ts';

const DIM = 16;
const COUNT = 6_000;
const K = 10;
const code = parseEmbeddingCode(3);

let engine: Engine;
let seed = 12_345;
const random = (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
const vector = (): Float32Array => Float32Array.from({ length: DIM }, () => random() - 0.5);

beforeEach(async () => {
  engine = await Engine.start({ memoryMaxBytes: 64 * 2 ** 20, searchThreadCount: 1 });
});
afterEach(() => engine.close());

/** A partition with a graph, as far as live recall looks at it. */
async function partitionOf(count: number, rows?: Map<number, Float32Array>): Promise<ActivePartition> {
  const memory = rows === undefined ? 'full' : 'codes';
  const view = () => ({ read: async (ids: readonly number[]) => ids.map((id) => rows?.get(id)), close: async () => undefined });
  const index = await engine.openIndex({ dim: DIM, distance: 'l2', m: 8, efConstruction: 40, seed: 1, rabitq: { bits: 8, seed: 1, memory } }, { view });
  for (let first = 0; first < count; first += 500) {
    const puts = Array.from({ length: 500 }, (_, offset) => ({ type: 'put' as const, id: first + offset, vector: vector() }));
    for (const { id, vector: values } of puts) rows?.set(id, values);
    await index.apply(puts);
  }
  return { state: 'active', ref: { code, partition: parsePartition(0) }, spec: { dim: DIM }, index, ids: { nextId: count }, operationCount: 0 } as unknown as ActivePartition;
}

async function searched(partition: ActivePartition, ef: number): Promise<EngineSearch> {
  const query = vector();
  const item: SearchItem = { code, partition: parsePartition(0), vector: query, k: K, ef, path: 'auto', rerank: 0, after: 0 as Sequence, timeoutMs: 1_000, includeValues: false, includePayload: false };
  const found = await partition.index.search({ vector: query, k: K, ef, path: 'auto' });
  return { partition, item, filter: undefined, found, operationCount: partition.operationCount };
}

function liveRecall(meter: RecallMeter): LiveRecall {
  return new LiveRecall({ meter, share: 1, timers: systemTimers, random, elapsedMs: () => performance.now(), engineStats: () => engine.stats() });
}

it('counts the true neighbours that a search found, at the stamp that it saw, whatever was written since', async () => {
  const partition = await partitionOf(COUNT);
  await vi.waitFor(() => expect(partition.index.stats().graph).toBe(true), { timeout: 20_000 });
  const searches = await Promise.all(Array.from({ length: 10 }, () => searched(partition, K)));
  const truths = await Promise.all(searches.map(({ item }) => partition.index.search({ vector: item.vector, k: K, ef: K, path: 'flat' })));
  const found = searches.map((search, index) => [...search.found.ids].filter((id) => truths[index]?.ids.includes(id)).length).reduce((sum, one) => sum + one, 0);
  // Nearer vectors than any come, and the nearest of the first search goes: neither was so when the searches ran.
  const nearest = searches[0]?.found.ids[0] ?? 0;
  await partition.index.apply([{ type: 'remove', id: nearest }, ...searches.map(({ item }, index) => ({ type: 'put' as const, id: COUNT + index, vector: item.vector }))]);
  partition.operationCount += 11;
  const meter = new RecallMeter();
  const live = liveRecall(meter);
  for (const search of searches) live.take(search);
  await vi.waitFor(() => expect(meter.counts()[0]?.searches).toBe(10), { timeout: 20_000 });
  expect(meter.counts()).toEqual([{ code, searches: 10, expected: 10 * K, found }]);
  await live.close();
});

it('leaves out a sample of which a vector is no more, where the index keeps codes alone', async () => {
  const rows = new Map<number, Float32Array>();
  const partition = await partitionOf(COUNT, rows);
  await vi.waitFor(() => expect(partition.index.stats().graph).toBe(true), { timeout: 20_000 });
  const searches = [await searched(partition, 100), await searched(partition, 100)];
  const nearest = searches[0]?.found.ids[0] ?? 0;
  await partition.index.apply([{ type: 'remove', id: nearest }]);
  rows.delete(nearest);
  partition.operationCount += 1;
  const meter = new RecallMeter();
  const live = liveRecall(meter);
  for (const search of searches) live.take(search);
  await vi.waitFor(() => expect(meter.counts()[0]?.searches).toBe(1), { timeout: 20_000 });
  expect(meter.counts()[0]?.found).toBeGreaterThanOrEqual(K - 1);
  await live.close();
});

it('leaves out what so much was written after that its vectors may be gone, and counts scans as they are', async () => {
  const partition = await partitionOf(COUNT);
  await vi.waitFor(() => expect(partition.index.stats().graph).toBe(true), { timeout: 20_000 });
  const meter = new RecallMeter();
  const live = liveRecall(meter);
  const old = await searched(partition, K);
  partition.operationCount += SLOT_LIMITS.idGraceOperations;
  live.take(old);
  const scan = await searched(partition, K);
  live.take({ ...scan, found: { ...scan.found, path: 'flat' } });
  live.take(await searched(partition, K));
  await vi.waitFor(() => expect(meter.counts()[0]?.searches).toBe(2), { timeout: 20_000 });
  await live.close();
});

it('holds a bounded number of samples, and none of its share when that is nothing', async () => {
  const meter = new RecallMeter();
  const busy = new LiveRecall({ meter, share: 1, timers: systemTimers, random, elapsedMs: () => performance.now(), engineStats: () => ({ ...engine.stats(), searchesInFlight: 1 }) });
  const partition = await partitionOf(COUNT);
  await vi.waitFor(() => expect(partition.index.stats().graph).toBe(true), { timeout: 20_000 });
  let taken = 0;
  for (let search = 0; search < 40; search += 1) {
    if (!busy.wanted()) continue;
    busy.take(await searched(partition, K));
    taken += 1;
  }
  expect(taken).toBe(16);
  expect(meter.counts()).toEqual([]);
  await busy.close();
  const none = new LiveRecall({ meter, share: 0, timers: systemTimers, random, elapsedMs: () => performance.now(), engineStats: () => engine.stats() });
  expect(none.wanted()).toBe(false);
});
