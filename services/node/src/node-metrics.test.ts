import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServiceLog } from '@shoal/telemetry';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseNodeEnvironment } from './config.ts';
import { startNode, type EmbeddedNode } from './node.ts';

const ROOT_KEY = 'node-metrics-root';
const VECTORS = 40;
const SEARCHES = 7;

let directory: string;
let node: EmbeddedNode;

async function call(method: string, path: string, body?: unknown, key = ROOT_KEY): Promise<Response> {
  return fetch(node.url + path, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** The value of the series whose labels include all of those given. */
function valueOf(text: string, name: string, labels: readonly string[]): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && labels.every((label) => one.includes(label)));
  if (line === undefined) throw new Error(`${name}{${labels.join()}} is not among the metrics:\n${text}`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-node-metrics-'));
  const config = parseNodeEnvironment({ SHOAL_DATA_DIR: directory, SHOAL_HTTP_PORT: '0', SHOAL_ROOT_KEY: ROOT_KEY, SHOAL_SLOTS: '4', SHOAL_SEARCH_THREADS: '1', SHOAL_ENGINE_MEMORY_MB: '64', SHOAL_METRICS_PORT: '0', SHOAL_DURABILITY: 'os' });
  node = await startNode(config, openServiceLog({ level: 'silent', base: {}, otlp: undefined }));
  await vi.waitFor(async () => expect((await call('GET', '/readyz')).status).toBe(200), { timeout: 20_000 });
  await call('POST', '/v1/embeddings', { name: 'private-name', model: 'm', dim: 2, distance: 'l2' });
  const vectors = Array.from({ length: VECTORS }, (_, index) => ({ key: `private-key-${index}`, values: [index, 1] }));
  expect((await call('POST', '/v1/embeddings/private-name/vectors', { vectors, wait: 'applied' })).status).toBe(200);
  expect((await call('POST', '/v1/embeddings/private-name/vectors', { vectors: vectors.slice(0, 3) })).status).toBe(200);
  for (let search = 0; search < SEARCHES; search += 1) expect((await call('POST', '/v1/embeddings/private-name/search', { vector: [search, 0], k: 3 })).status).toBe(200);
  expect((await call('POST', '/v1/embeddings/private-name/search', { vector: [1], k: 3 })).status).toBe(400);
  expect((await call('POST', '/v1/embeddings/private-name/delete', { keys: ['private-key-1', 'private-key-2'], wait: 'applied' })).status).toBe(200);
});

afterAll(async () => {
  await node.close();
  await rm(directory, { recursive: true });
});

it('counts what callers did at the gateway and what came of it at the shard', async () => {
  const response = await call('GET', '/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  const count = (service: string, operation: string): number => valueOf(text, 'shoal_operation_duration_seconds_count', [`shoal_service="${service}"`, `shoal_operation="${operation}"`]);
  expect(count('gateway', 'vector_insert')).toBe(VECTORS);
  expect(count('gateway', 'vector_log')).toBe(3);
  expect(count('gateway', 'vector_search')).toBe(SEARCHES);
  expect(count('gateway', 'vector_delete')).toBe(2);
  expect(count('shard', 'vector_insert')).toBe(VECTORS + 3);
  expect(count('shard', 'vector_search')).toBe(SEARCHES);
  expect(count('shard', 'vector_delete')).toBe(2);
  expect(valueOf(text, 'shoal_operation_errors_total', ['vector_search', 'gateway', 'dimension_mismatch'])).toBe(1);
  expect(valueOf(text, 'shoal_embedding_operation_duration_seconds_count', ['gateway', 'vector_insert', 'shoal_embedding_code="1"'])).toBe(VECTORS);
});

it('shows gauges of slots, embeddings, queues and the process', async () => {
  const text = await (await call('GET', '/metrics')).text();
  expect(valueOf(text, 'shoal_embedding_vectors', ['shoal_embedding_code="1"'])).toBe(VECTORS - 2);
  expect(valueOf(text, 'shoal_embedding_memory_bytes', [])).toBeGreaterThan(0);
  for (let slot = 0; slot < 4; slot += 1) expect(valueOf(text, 'shoal_slot_ready', [`shoal_slot="${slot}"`])).toBe(1);
  expect(valueOf(text, 'shoal_slot_lag_messages', ['shoal_slot="0"'])).toBe(0);
  for (const name of ['shoal_slot_set_aside_messages', 'shoal_slot_lag_seconds', 'shoal_slot_log_since_snapshot_bytes', 'shoal_log_size_bytes', 'shoal_gateway_writes_waiting']) expect(text).toContain(`\n${name}{`);
  for (const name of ['shoal_gateway_searches_waiting', 'shoal_shard_searches_waiting', 'nodejs_eventloop_delay_p99_seconds', 'process_memory_usage_bytes', 'shoal_engine_memory_usage_bytes']) expect(text).toMatch(new RegExp(`^${name} `, 'm'));
});

it('tells nothing of tenants, and only to the root key; the port for scrapes asks for none', async () => {
  expect((await call('GET', '/metrics', undefined, 'wrong')).status).toBe(401);
  const key = await (await call('POST', '/v1/keys', { role: 'admin' })).json() as { key: string };
  expect((await call('GET', '/metrics', undefined, key.key)).status).toBe(403);
  const url = node.metricsUrl ?? '';
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('shoal_operation_duration_seconds_bucket');
  expect(text).not.toMatch(/private|"default"/);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/v1/embeddings`)).status).toBe(404);
});
