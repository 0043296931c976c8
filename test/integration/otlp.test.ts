/** What a cluster sends to a receiver of OTLP: the way of searches, writes and imports through its processes, their log lines, and the metrics. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OtlpReceiver, type ReceivedSpan } from '../harness/otlp-receiver.ts';
import { startRedis } from '../harness/redis-server.ts';
import { suiteCluster } from '../harness/suite-cluster.ts';

const receiver = await OtlpReceiver.start();
// Only what a caller traces is traced, so that each test sees its own.
const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER: 'parentbased_always_off', OTEL_METRIC_EXPORT_INTERVAL: '1000' };
const redis = await startRedis();
const importDirectory = await mkdtemp(join(tmpdir(), 'shoal-otlp-'));
const suite = suiteCluster({
  shardCount: 2, gatewayCount: 1, slots: 8, settings, redisUrl: redis.url, workerCount: 1,
  workerSettings: { ...settings, OTEL_TRACES_SAMPLER: 'always_on', SHOAL_IMPORT_DIRS: importDirectory, SHOAL_WORKER_THREADS: '1' },
});
afterAll(async () => {
  await receiver.close();
  await redis.close();
  await rm(importDirectory, { recursive: true });
});

const SERVER = 2;
const CLIENT = 3;
const INTERNAL = 1;
const PRODUCER = 4;
const CONSUMER = 5;
const PARTITIONS = 4;

interface Caller { readonly traceId: string; readonly spanId: string }
const newCaller = (): Caller => ({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') });

async function call(method: string, path: string, { traceId, spanId }: Caller, body?: unknown, flags = '01'): Promise<Response> {
  const { cluster } = suite;
  return fetch(`${cluster.urls[0]}${path}`, {
    method, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${cluster.rootKey}`, 'content-type': 'application/json', traceparent: `00-${traceId}-${spanId}-${flags}` },
  });
}

async function search(name: string, caller: Caller, flags = '01'): Promise<void> {
  const response = await call('POST', `/v1/embeddings/${name}/search`, caller, { vector: [1, 2, 3, 4], k: 3 }, flags);
  expect(response.status, await response.text()).toBe(200);
}

async function upsert(name: string, caller: Caller, keys: readonly string[], wait: 'applied' | 'logged'): Promise<void> {
  const response = await call('POST', `/v1/embeddings/${name}/vectors`, caller, { vectors: keys.map((key, index) => ({ key, values: [index, 4, 3, 2] })), wait });
  expect(response.status, await response.text()).toBe(200);
}

const spansOf = ({ traceId }: Caller): readonly ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);

async function register(name: string, partitions: number): Promise<void> {
  const { handle } = await suite.cluster.client().register({ name, model: name, dim: 4, distance: 'l2', partitions });
  await handle.upsert(Array.from({ length: 60 }, (_, index) => ({ key: `secret-key-${index}`, values: [index, 1, 2, 3] })), { wait: 'applied' });
}

beforeAll(async () => {
  await register('secret-name', PARTITIONS);
  await register('one-slot', 1);
});

describe('a receiver of OTLP', () => {
  it('gets one trace of a search: gateway, message, shard, engine, each below the other', async () => {
    const caller = newCaller();
    await search('secret-name', caller);
    await vi.waitFor(() => expect(spansOf(caller).filter(({ name }) => name === 'engine search')).toHaveLength(PARTITIONS), { timeout: 30_000 });
    await vi.waitFor(() => expect(spansOf(caller).filter(({ service }) => service === 'shoal-gateway').length).toBeGreaterThan(1), { timeout: 30_000 });
    const spans = spansOf(caller);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const engine of spans.filter(({ name }) => name === 'engine search')) {
      expect(engine).toMatchObject({ kind: INTERNAL, service: 'shoal-shard' });
      expect(Number(engine.attributes['shoal.search.distances'])).toBeGreaterThan(0);
      const served = byId.get(engine.parentSpanId ?? '');
      expect(served).toMatchObject({ kind: SERVER, service: 'shoal-shard', name: 'slot search' });
      const message = byId.get(served?.parentSpanId ?? '');
      expect(message).toMatchObject({ kind: CLIENT, service: 'shoal-gateway', name: 'slot search' });
      expect(message?.attributes['shoal.slot']).toBe(served?.attributes['shoal.slot']);
      const request = byId.get(message?.parentSpanId ?? '');
      expect(request).toMatchObject({ kind: SERVER, service: 'shoal-gateway', parentSpanId: caller.spanId, attributes: { 'http.request.method': 'POST', 'http.response.status_code': 200 } });
      for (const span of [engine, served, message, request]) expect(BigInt(span?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(span?.startTimeUnixNano ?? 1));
    }
    expect(spans.filter(({ parentSpanId }) => parentSpanId === caller.spanId)).toHaveLength(1);
    expect(JSON.stringify(spans)).not.toContain('secret');
  });

  it('finds the message of a search that travelled with others by links in both directions', async () => {
    const callers = Array.from({ length: 64 }, newCaller);
    await Promise.all(callers.map((caller) => search('one-slot', caller)));
    await vi.waitFor(() => {
      for (const caller of callers) expect(spansOf(caller).some(({ parentSpanId }) => parentSpanId === caller.spanId)).toBe(true);
      const batched = receiver.spans.filter(({ kind, links = [] }) => kind === CLIENT && links.length > 0);
      expect(batched.length).toBeGreaterThan(0);
      for (const message of batched) {
        expect(message.attributes['shoal.query.items']).toBe((message.links?.length ?? 0) + 1);
        for (const { traceId, spanId } of message.links ?? []) {
          const request = receiver.spans.find((span) => span.spanId === spanId);
          expect(request?.traceId).toBe(traceId);
          expect(request?.links).toContainEqual(expect.objectContaining({ traceId: message.traceId, spanId: message.spanId }));
        }
      }
      // Each search is below its request, or linked to the message that carried it.
      for (const caller of callers) {
        const spans = spansOf(caller);
        const request = spans.find(({ parentSpanId }) => parentSpanId === caller.spanId);
        expect(spans.some(({ kind }) => kind === CLIENT) || (request?.links ?? []).length > 0).toBe(true);
      }
    }, { timeout: 30_000, interval: 500 });
  });

  it('gets one trace of a write: into the log, out of it in the shard, and the answer that it is applied', async () => {
    const caller = newCaller();
    await upsert('secret-name', caller, Array.from({ length: 40 }, (_, index) => `secret-key-${index}`), 'applied');
    const named = (name: string, kind: number): readonly ReceivedSpan[] => spansOf(caller).filter((span) => span.name === name && span.kind === kind);
    await vi.waitFor(() => {
      expect(named('log publish', PRODUCER)).toHaveLength(1);
      expect(named('slot apply', CONSUMER).length).toBeGreaterThanOrEqual(1);
      expect(named('slot await-applied', CLIENT).length).toBeGreaterThanOrEqual(1);
      expect(named('slot await-applied', SERVER).length).toBeGreaterThanOrEqual(1);
      expect(spansOf(caller).some(({ parentSpanId }) => parentSpanId === caller.spanId)).toBe(true);
    }, { timeout: 30_000 });
    const [publish] = named('log publish', PRODUCER);
    const request = spansOf(caller).find(({ parentSpanId }) => parentSpanId === caller.spanId);
    expect(publish).toMatchObject({ service: 'shoal-gateway', parentSpanId: request?.spanId });
    for (const apply of named('slot apply', CONSUMER)) {
      expect(apply).toMatchObject({ service: 'shoal-shard', parentSpanId: publish?.spanId });
      expect(BigInt(apply.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(publish?.startTimeUnixNano ?? 0));
    }
    for (const asked of named('slot await-applied', CLIENT)) expect(asked.parentSpanId).toBe(request?.spanId);
    expect(JSON.stringify(spansOf(caller))).not.toContain('secret');
  });

  it('links writes that were applied together in both directions', async () => {
    const callers = Array.from({ length: 48 }, newCaller);
    await vi.waitFor(async () => {
      await Promise.all(callers.map((caller, index) => upsert('one-slot', caller, [`secret-key-${index}`], 'logged')));
      await vi.waitFor(() => expect(receiver.spans.some(({ name, links = [] }) => name === 'slot apply' && links.length > 1)).toBe(true), { timeout: 5_000 });
    }, { timeout: 30_000 });
    await vi.waitFor(() => {
      const first = receiver.spans.find(({ name, links = [] }) => name === 'slot apply' && links.length > 1);
      for (const { traceId, spanId } of first?.links ?? []) {
        expect(receiver.spans.find((span) => span.spanId === spanId)).toMatchObject({ traceId, kind: PRODUCER, name: 'log publish' });
        expect(receiver.spans.some((span) => span.traceId === traceId && span.name === 'slot apply' && span.links?.some((link) => link.spanId === first?.spanId) === true)).toBe(true);
      }
    }, { timeout: 30_000 });
  });

  it('gets one trace of reading a vector, and of counting', async () => {
    const [reader, counter] = [newCaller(), newCaller()];
    expect((await call('GET', '/v1/embeddings/secret-name/vectors/secret-key-1', reader)).status).toBe(200);
    expect((await call('POST', '/v1/embeddings/secret-name/count', counter, {})).status).toBe(200);
    await vi.waitFor(() => {
      expect(spansOf(reader).map(({ name, kind }) => `${name} ${kind}`)).toEqual(expect.arrayContaining([`slot fetch ${CLIENT}`, `slot fetch ${SERVER}`]));
      expect(spansOf(counter).filter(({ name, kind }) => name === 'slot count' && kind === SERVER)).toHaveLength(PARTITIONS);
    }, { timeout: 30_000 });
    expect(JSON.stringify([...spansOf(reader), ...spansOf(counter)])).not.toContain('secret');
  });

  it('gets the log lines of every service, those of a traced request with its trace', async () => {
    const caller = newCaller();
    expect((await call('POST', '/v1/embeddings/secret-name/search', caller, { vector: [1], k: 3 })).status).toBe(400);
    await vi.waitFor(() => {
      expect(new Set(receiver.logs.map(({ service }) => service))).toEqual(new Set(['shoal-gateway', 'shoal-shard', 'shoal-worker']));
      const line = receiver.logs.find(({ traceId }) => traceId === caller.traceId);
      expect(line).toMatchObject({ service: 'shoal-gateway', severityText: 'INFO', body: 'request', attributes: { method: 'POST' } });
      expect(spansOf(caller).some(({ spanId }) => spanId === line?.spanId)).toBe(true);
    }, { timeout: 30_000 });
    expect(JSON.stringify(receiver.logs)).not.toContain('secret-key');
  });

  it('gets a trace of each chunk of an import, from the worker into the log, and what the worker counts', async () => {
    const path = join(importDirectory, 'rows.jsonl');
    await writeFile(path, Array.from({ length: 30 }, (_, index) => JSON.stringify(index === 7 ? { key: 'secret-bad' } : { key: `secret-${index}`, values: [index, 0, 0, 1] })).join('\n'));
    const { imports } = suite.cluster.client();
    const { id } = await imports.create({ embedding: 'secret-name', sources: [path] });
    await vi.waitFor(async () => expect((await imports.get(id)).state).toBe('done'), { timeout: 60_000, interval: 200 });
    const ofWorker = (name: string): readonly ReceivedSpan[] => receiver.spans.filter((span) => span.service === 'shoal-worker' && span.name === name);
    await vi.waitFor(() => {
      expect(ofWorker('import plan')).toHaveLength(1);
      const [chunk] = ofWorker('import chunk');
      expect(chunk).toMatchObject({ kind: CONSUMER, attributes: { 'shoal.import.accepted': 29, 'shoal.import.rejected': 1 } });
      const request = receiver.spans.find((span) => span.parentSpanId === chunk?.spanId && span.attributes['http.request.method'] === 'POST');
      expect(request).toMatchObject({ service: 'shoal-gateway', traceId: chunk?.traceId });
      expect(receiver.spans.some((span) => span.traceId === chunk?.traceId && span.name === 'slot apply')).toBe(true);
    }, { timeout: 30_000 });
    await vi.waitFor(() => {
      const value = (name: string, attributes: object): number | undefined => [...(receiver.metrics.get(name)?.values() ?? [])].find((point) => point.service === 'shoal-worker' && Object.entries(attributes).every(([key, one]) => point.attributes[key] === one))?.asDouble;
      expect(value('shoal.import.rows', { 'shoal.import.outcome': 'accepted' })).toBe(29);
      expect(value('shoal.import.rows', { 'shoal.import.outcome': 'rejected' })).toBe(1);
      expect(value('shoal.import.tasks', { 'shoal.import.task': 'chunk' })).toBe(1);
      expect(value('shoal.queue.jobs', { 'shoal.queue': 'shoal-imports', 'shoal.queue.state': 'waiting' })).toBe(0);
    }, { timeout: 30_000 });
    expect(JSON.stringify(receiver.spans.filter(({ service }) => service === 'shoal-worker'))).not.toContain('secret');
  });

  it('gets the size of each stream of the log', async () => {
    await vi.waitFor(() => {
      const sizes = [...(receiver.metrics.get('shoal.log.size')?.values() ?? [])];
      expect(sizes.map(({ attributes }) => attributes['shoal.log.stream']).sort()).toEqual(['SHOAL_MUT_0', 'SHOAL_MUT_1', 'SHOAL_MUT_2', 'SHOAL_MUT_3']);
      expect(sizes.reduce((sum, { asDouble = 0 }) => sum + asDouble, 0)).toBeGreaterThan(1_000);
    }, { timeout: 60_000 });
  });

  it('gets nothing of requests that are not sampled', async () => {
    const [unsampled, sampled] = [newCaller(), newCaller()];
    await search('secret-name', unsampled, '00');
    await search('secret-name', sampled);
    await vi.waitFor(() => expect(spansOf(sampled).length).toBeGreaterThan(3), { timeout: 30_000 });
    expect(spansOf(unsampled)).toEqual([]);
  });

  it('gets histograms with the buckets and counts of /v1/metrics/summary', async () => {
    await vi.waitFor(async () => {
      const summary = await suite.cluster.client().metrics();
      const points = [...(receiver.metrics.get('shoal.operation.duration')?.values() ?? [])];
      expect(new Set(points.map(({ service }) => service))).toEqual(new Set(['shoal-gateway', 'shoal-shard']));
      for (const { operation, count, buckets } of summary.operations.filter(({ operation: one }) => one === 'vector_search' || one === 'vector_insert')) {
        const point = points.find(({ service, attributes }) => service === 'shoal-gateway' && attributes['shoal.operation'] === operation);
        expect(Number(point?.count)).toBe(count);
        expect(point?.bucketCounts?.map(Number)).toEqual(buckets);
        expect(point?.explicitBounds).toEqual(Array.from({ length: 19 }, (_, bucket) => 2 ** bucket / 1e6));
      }
      expect(summary.operations.find(({ operation }) => operation === 'vector_search')?.count).toBeGreaterThan(64);
    }, { timeout: 60_000, interval: 1_000 });
  });
});
