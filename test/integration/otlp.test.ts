/** What a cluster sends to a receiver of OTLP: the way of a search through gateway, bus, shard and engine, and the metrics. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OtlpReceiver, type ReceivedSpan } from '../harness/otlp-receiver.ts';
import { suiteCluster } from '../harness/suite-cluster.ts';

const receiver = await OtlpReceiver.start();
// Only what a caller traces is traced, so that each test sees its own.
const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER: 'parentbased_always_off', OTEL_METRIC_EXPORT_INTERVAL: '1000' };
const suite = suiteCluster({ shardCount: 2, gatewayCount: 1, slots: 8, settings });
afterAll(() => receiver.close());

const SERVER = 2;
const CLIENT = 3;
const INTERNAL = 1;
const PARTITIONS = 4;

interface Caller { readonly traceId: string; readonly spanId: string }
const newCaller = (): Caller => ({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') });

async function search(name: string, { traceId, spanId }: Caller, flags = '01'): Promise<void> {
  const { cluster } = suite;
  const response = await fetch(`${cluster.urls[0]}/v1/embeddings/${name}/search`, {
    method: 'POST', body: JSON.stringify({ vector: [1, 2, 3, 4], k: 3 }),
    headers: { authorization: `Bearer ${cluster.rootKey}`, 'content-type': 'application/json', traceparent: `00-${traceId}-${spanId}-${flags}` },
  });
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
      const points = [...(receiver.histograms.get('shoal.operation.duration')?.values() ?? [])];
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
