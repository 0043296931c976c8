import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EmbeddingHandle } from './embedding-handle.ts';
import { ShoalClient } from './shoal-client.ts';
import { startFakeShoal, type FakeShoal } from './testing/fake-shoal.ts';
import { vectorBatches, type VectorToWrite } from './vector-batches.ts';
import type { AcknowledgedBatch } from './write-vectors.ts';

let fake: FakeShoal;
let handle: EmbeddingHandle;
beforeEach(async () => {
  fake = await startFakeShoal();
  const client = new ShoalClient({ url: fake.url, wait: async () => {} });
  ({ handle } = await client.register({ name: 'e', model: 'm', dim: 1, distance: 'l2' }));
});
afterEach(async () => {
  await fake.close();
});

async function* stream(count: number, keyOf = (index: number) => `k${index}`): AsyncGenerator<VectorToWrite> {
  for (let index = 0; index < count; index += 1) yield { key: keyOf(index), values: Float32Array.of(index) };
}

const written = (): string[] => [...(fake.embeddings.get('e')?.vectors.keys() ?? [])];

test('a stream is written in bounded batches with a bounded number in flight, and its receipts become one', async () => {
  let inFlight = 0;
  let mostInFlight = 0;
  fake.delay = async () => {
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    inFlight -= 1;
  };
  const batches: AcknowledgedBatch[] = [];
  const result = await handle.upsert(stream(1_050), { batchVectors: 100, inFlight: 3, onBatch: (batch) => batches.push(batch) });
  expect(result).toEqual({ accepted: 1_050, receipt: { 3: 11 } });
  expect(mostInFlight).toBe(3);
  expect(batches.map((batch) => batch.firstIndex).sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_unused, index) => index * 100));
  expect(batches.reduce((sum, batch) => sum + batch.vectorCount, 0)).toBe(1_050);
  expect(new Set(written()).size).toBe(1_050);
});

test('outcomes of an array are in its order although batches overtake each other', async () => {
  let first = true;
  fake.delay = async () => {
    const turns = first ? 200 : 0;
    first = false;
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
  };
  const vectors = Array.from({ length: 30 }, (_unused, index) => ({ key: `k${index}`, values: [index] }));
  const { outcomes } = await handle.upsert(vectors, { batchVectors: 10, wait: 'applied' });
  expect(outcomes?.map((item) => item.key)).toEqual(vectors.map((vector) => vector.key));
});

test('the last write of a key wins although writes are in flight together and are retried', async () => {
  let losses = 5;
  fake.faultBefore = () => (losses > 0 && losses-- % 2 === 1 ? 'reset' : undefined);
  await handle.upsert(stream(60, (index) => `k${index % 7}`), { batchVectors: 1, inFlight: 8 });
  for (let last = 53; last < 60; last += 1) expect([...((await handle.get(`k${last % 7}`))?.values ?? [])]).toEqual([last]);
});

test('every vector is stored although answers are lost', async () => {
  let calls = 0;
  fake.faultAfter = () => ((calls += 1) % 3 === 0 ? 'reset' : undefined);
  const result = await handle.upsert(stream(500), { batchVectors: 20 });
  expect(result.accepted).toBe(500);
  expect(new Set(written()).size).toBe(500);
});

test('after a refused batch no further one starts, and the error counts over the whole input', async () => {
  const rows = async function* (): AsyncGenerator<VectorToWrite> {
    for await (const row of stream(10_000)) yield row.key === 'k25' ? { key: 'k25', values: [1, 2] } : row;
  };
  const acknowledged: number[] = [];
  const writing = handle.upsert(rows(), { batchVectors: 10, inFlight: 2, onBatch: (batch) => acknowledged.push(batch.firstIndex) });
  await expect(writing).rejects.toMatchObject({ code: 'dimension_mismatch', field: 'vectors[25].values', limit: 1 });
  expect(acknowledged).toContain(0);
  expect(fake.requests.length).toBeLessThan(12);
});

test('an aborted signal ends the writing with its reason', async () => {
  const controller = new AbortController();
  const onBatch = (): void => controller.abort(new Error('enough'));
  await expect(handle.upsert(stream(10_000), { batchVectors: 10, signal: controller.signal, onBatch })).rejects.toThrow('enough');
  expect(fake.requests.length).toBeLessThan(12);
});

test('a failing source fails the write after what is in flight', async () => {
  const rows = async function* (): AsyncGenerator<VectorToWrite> {
    yield* stream(20);
    throw new Error('the disk is gone');
  };
  await expect(handle.upsert(rows(), { batchVectors: 10 })).rejects.toThrow('the disk is gone');
});

test('a payload that is too large is refused before anything of its batch is sent', async () => {
  const payload = { text: 'x'.repeat(70_000) };
  await expect(handle.upsert([{ key: 'a', values: [1] }, { key: 'b', values: [1], payload }])).rejects.toMatchObject({
    code: 'payload_too_large',
    field: 'vectors[1].payload',
  });
  expect(written()).toEqual([]);
});

test('nothing to write sends nothing', async () => {
  const before = fake.requests.length;
  expect(await handle.upsert([])).toEqual({ accepted: 0, receipt: {} });
  expect(fake.requests.length).toBe(before);
});

test.each([{ batchVectors: 0 }, { batchVectors: 10_001 }, { inFlight: 0 }, { inFlight: 65 }])('options %j are refused', async (options) => {
  await expect(handle.upsert(stream(1), options)).rejects.toMatchObject({ code: 'invalid_field' });
});

test('batches keep every vector in order and stay below both bounds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 8_192 }), { maxLength: 60 }), fc.integer({ min: 1, max: 50 }), async (dims, batchVectors) => {
      const vectors = dims.map((dim, index) => ({ key: String(index), values: new Array<number>(dim).fill(0) }));
      const seen: string[] = [];
      for await (const { firstIndex, items } of vectorBatches(vectors, batchVectors)) {
        expect(firstIndex).toBe(seen.length);
        expect(items.length).toBeLessThanOrEqual(batchVectors);
        expect(items.reduce((bytes, item) => bytes + item.values.length, 0) * 25).toBeLessThan(17 * 1024 * 1024);
        seen.push(...items.map((item) => item.key));
      }
      expect(seen).toEqual(vectors.map((vector) => vector.key));
    }),
    { numRuns: 30 },
  );
});
