import { afterEach, beforeEach, expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';
import type { ShoalClientOptions } from './client-options.ts';
import { parseRetryAfter } from './problem.ts';
import { ShoalClient } from './shoal-client.ts';
import { startFakeShoal, type FakeFault, type FakeShoal } from './testing/fake-shoal.ts';

let fake: FakeShoal;
beforeEach(async () => {
  fake = await startFakeShoal();
});
afterEach(async () => {
  await fake.close();
});

const problem = (status: number, code: string, more: object = {}, headers: Record<string, string> = {}): FakeFault => ({
  status,
  body: JSON.stringify({ code, detail: `because ${code}`, ...more }),
  headers,
});

/** A client that records its waits instead of waiting. */
function impatient(options: Partial<ShoalClientOptions> = {}): { client: ShoalClient; waitsMs: number[] } {
  const waitsMs: number[] = [];
  const wait = async (durationMs: number): Promise<void> => {
    waitsMs.push(durationMs);
  };
  return { client: new ShoalClient({ url: fake.url, wait, random: () => 0.5, ...options }), waitsMs };
}

function failTimes(count: number, fault: FakeFault): void {
  let left = count;
  fake.faultBefore = () => (left-- > 0 ? fault : undefined);
}

test('retryable problems are retried with growing waits until the answer comes', async () => {
  failTimes(3, problem(503, 'overloaded', { retryable: true }));
  const { client, waitsMs } = impatient();
  expect(await client.embeddings()).toEqual([]);
  expect(waitsMs).toEqual([50, 100, 200]);
  expect(fake.requests.length).toBe(4);
});

test('retries are bounded, and the last error tells how often was tried', async () => {
  failTimes(100, problem(503, 'overloaded', { retryable: true }));
  const { client } = impatient({ retries: 2 });
  await expect(client.embeddings()).rejects.toMatchObject({ code: 'overloaded', attempts: 3, message: 'because overloaded' });
  expect(fake.requests.length).toBe(3);
});

test('other problems are not retried', async () => {
  failTimes(1, problem(401, 'unauthorized', { retryable: false }));
  await expect(impatient().client.embeddings()).rejects.toMatchObject({ code: 'unauthorized', attempts: 1 });
  expect(fake.requests.length).toBe(1);
});

test('Retry-After is waited for, and ends the call at once when it lies past the deadline', async () => {
  failTimes(1, problem(503, 'overloaded', { retryable: true }, { 'retry-after': '7' }));
  const { client, waitsMs } = impatient();
  await client.embeddings();
  expect(waitsMs).toEqual([7_000]);
  failTimes(1, problem(503, 'overloaded', { retryable: true }, { 'retry-after': '31' }));
  await expect(client.embeddings()).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 31_000 });
  expect(waitsMs.length).toBe(1);
});

test('a reset connection is retried', async () => {
  failTimes(2, 'reset');
  const { client, waitsMs } = impatient();
  expect(await client.embeddings()).toEqual([]);
  expect(waitsMs.length).toBe(2);
});

test('a refused connection is not_ready with origin connection', async () => {
  await fake.close();
  await expect(impatient().client.embeddings()).rejects.toMatchObject({
    code: 'not_ready',
    origin: 'connection',
    retryable: true,
    attempts: 6,
    message: `Nothing answers at ${fake.url} (ECONNREFUSED).`,
  });
});

test('a server that never answers ends in deadline_exceeded, without retries', async () => {
  failTimes(1, 'hang');
  await expect(impatient().client.embeddings({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded', origin: 'deadline' });
  expect(fake.requests.length).toBe(1);
});

test("the caller's signal ends a call with its own reason", async () => {
  failTimes(1, 'hang');
  const controller = new AbortController();
  fake.faultBefore = () => {
    controller.abort(new Error('enough'));
    return 'hang';
  };
  await expect(impatient().client.embeddings({ signal: controller.signal })).rejects.toThrow('enough');
});

test('answers of something that is not Shoal are classed by their status', async () => {
  failTimes(1, { status: 502, body: '<html>' });
  expect(await impatient().client.embeddings()).toEqual([]);
  failTimes(1, { status: 403, body: 'no' });
  await expect(impatient().client.embeddings()).rejects.toMatchObject({ code: 'internal', retryable: false, httpStatus: 403 });
  failTimes(1, { status: 200, body: '<html>' });
  await expect(impatient().client.embeddings()).rejects.toMatchObject({ code: 'internal', retryable: false });
});

test('a code that this client does not know keeps its name and what the server says about retrying', async () => {
  failTimes(1, problem(429, 'too_many_wishes', { retryable: false }));
  await expect(impatient().client.embeddings()).rejects.toMatchObject({ code: 'overloaded', serverCode: 'too_many_wishes', retryable: false });
});

test('a retried drop that finds the embedding gone has succeeded; a first one has not', async () => {
  const { client } = impatient();
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 1, distance: 'l2' });
  let losses = 1;
  fake.faultAfter = () => (losses-- > 0 ? 'reset' : undefined);
  await handle.drop();
  expect(fake.embeddings.size).toBe(0);
  await expect(handle.drop()).rejects.toMatchObject({ code: 'embedding_not_found' });
});

test('waits have full jitter, double from attempt to attempt and stay bounded', () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backoffMs(attempt, () => 1 - Number.EPSILON));
  expect(ceilings).toEqual([99, 199, 399, 799, 1_599, 3_199, 4_999, 4_999]);
  expect(backoffMs(5, () => 0)).toBe(0);
  expect(backoffMs(1, () => 0.5, 400)).toBe(400);
});

test('Retry-After comes as seconds or as a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(parseRetryAfter('3', now)).toBe(3_000);
  expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5_000);
  expect(parseRetryAfter('Thu, 01 Jan 2020 00:00:05 GMT', now)).toBe(0);
  expect(parseRetryAfter('soon', now)).toBeUndefined();
  expect(parseRetryAfter(null, now)).toBeUndefined();
});
