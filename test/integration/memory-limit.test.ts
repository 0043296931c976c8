import { setTimeout as pause } from 'node:timers/promises';
import type { EmbeddingHandle, ShoalClient } from '@shoal/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { vectorOf } from '../harness/workload.ts';

const DIM = 512;
const BATCH = 200;
let node: EmbeddedProcess;
let client: ShoalClient;

beforeAll(async () => {
  node = await EmbeddedProcess.start({ SHOAL_ENGINE_MEMORY_MB: '16' });
  client = node.client();
});
afterAll(() => node.close());

const rows = (from: number, dim: number) => Array.from({ length: BATCH }, (_, index) => ({ key: `k${from + index}`, values: vectorOf(`k${from + index}`, 0, dim) }));

/** Does it again and again, until it fails. */
async function refusalOf(attempt: (number: number) => Promise<void>): Promise<unknown> {
  for (let number = 0; ; number += 1) {
    try {
      await attempt(number);
    } catch (error) {
      return error;
    }
  }
}

/** Writes until one is refused; returns the refusal and the rows before it. */
async function filled(handle: EmbeddingHandle): Promise<{ readonly error: unknown; readonly count: number }> {
  let count = 0;
  const error = await refusalOf(async () => {
    await handle.upsert(rows(count, DIM), { wait: 'applied' });
    count += BATCH;
  });
  return { error, count };
}

it('refuses what does not fit into the memory of a shard, also from who does not wait, disturbs no other, and goes on when memory is freed', async () => {
  const { handle: small } = await client.register({ model: 'small', dim: 32, distance: 'l2' });
  const { handle: big } = await client.register({ model: 'big', dim: DIM, distance: 'l2' });
  await small.upsert(rows(0, 32), { wait: 'applied' });
  const { error, count } = await filled(big);
  expect(error).toMatchObject({ code: 'engine_memory_full', status: 507, retryable: false });
  expect(count).toBeGreaterThan(BATCH);

  // As soon as the gateway has heard of it, nothing more is logged.
  expect(await refusalOf(async (attempt) => {
    await big.upsert([{ key: `late-${attempt}`, values: vectorOf('late', 0, DIM) }], { wait: 'logged' });
    await pause(20);
  })).toMatchObject({ code: 'engine_memory_full', status: 507 });

  expect((await big.search({ vector: vectorOf('k7', 0, DIM), k: 1 })).hits[0]?.key).toBe('k7');
  expect((await small.upsert([{ key: 'one more', values: vectorOf('one more', 0, 32) }], { wait: 'applied' })).outcomes).toEqual([{ key: 'one more', outcome: 'created' }]);
  expect((await small.search({ vector: vectorOf('k3', 0, 32), k: 1 })).hits[0]?.key).toBe('k3');

  await big.drop();
  const { handle: next } = await client.register({ model: 'next', dim: DIM, distance: 'l2' });
  expect((await filled(next)).count).toBeGreaterThanOrEqual(count - BATCH);
});
