import { ROUTES, type Route } from '@shoal/protocol';
import { expect, test } from 'vitest';
import { ShoalClient } from './shoal-client.ts';

const seen: { readonly method: string; readonly path: string; readonly headers: Readonly<Record<string, string>> }[] = [];

/** Keeps what would be sent, and answers as a cluster without anything: what a method makes of its answer is tested elsewhere. */
const fetchNothing = ((input: string, init: RequestInit) => {
  seen.push({ method: init.method ?? 'GET', path: new URL(input).pathname, headers: init.headers as Record<string, string> });
  return Promise.resolve(new Response('{"shards":[],"slots":[]}', { status: 200 }));
}) as typeof fetch;

const client = new ShoalClient({ url: 'http://127.0.0.1:1', apiKey: 'k', fetch: fetchNothing, retries: 0 });
const articles = client.embedding<{ readonly year: number }>('articles');

const CALLS: readonly (() => Promise<unknown>)[] = [
  () => client.tenants.create({ tenant: 'acme' }), () => client.tenants.list(), () => client.tenants.get('acme'), () => client.tenants.update('acme', { quotas: {} }),
  () => client.tenants.delete('acme'), () => client.tenants.usage('acme'), () => client.tenants.audit('acme'), () => client.tenants.auditOfAll(),
  () => client.keys.create({ role: 'read' }), () => client.keys.list(), () => client.keys.revoke('0123456789abcdef'),
  () => client.aliases.list(), () => client.aliases.set('a', 'articles'), () => client.aliases.delete('a'),
  () => client.register({ model: 'm', dim: 1, distance: 'l2' }), () => client.embeddings(), () => articles.describe(), () => articles.drop(),
  () => articles.declareFields({ year: 'integer' }), () => articles.upsert([{ key: 'a', values: [1] }]), () => articles.insert([{ key: 'a', values: [1] }]),
  () => articles.get('a'), () => articles.get('..'), () => articles.delete(['a']), () => articles.deleteMatching({ field: 'year', equals: 1 }),
  () => articles.updatePayloads([{ key: 'a', payload: { year: 2 } }]), () => articles.count(), () => articles.search({ vector: [1], k: 1 }),
  async () => {
    for await (const _vector of articles.scroll()) return;
  },
  () => client.imports.create({ embedding: 'articles', sources: ['https://example.org/a.npy'] }), () => client.imports.list(), () => client.imports.get('0'.repeat(32)),
  () => client.imports.pause('0'.repeat(32)), () => client.imports.resume('0'.repeat(32)), () => client.imports.cancel('0'.repeat(32)), () => client.imports.delete('0'.repeat(32)),
  async () => {
    for await (const _row of client.imports.report('0'.repeat(32))) return;
  },
  () => client.placement.drain('shard-1'), () => client.placement.undrain('shard-1'), () => client.placement.move(3, 'shard-1'), () => client.placement.unpin(3), () => client.placement.setReplicas(2),
  () => client.backup.start(), () => client.backup.tenant('acme'), () => client.backup.embeddings('acme'),
  async () => {
    for await (const _piece of client.backup.slot(0)) return;
  },
  () => client.backup.restoreKey('0123456789abcdef', { role: 'read', secretHash: '0'.repeat(64), createdAt: '2026-01-01T00:00:00.000Z' }),
  () => client.limits(), () => client.cluster(), () => client.verifyReplicas(), () => client.metrics(), () => client.health(), () => client.ready(),
];

/** A delete of one key goes the way of many; /metrics is text for Prometheus, and `metrics()` gives the figures of the whole cluster. */
const COVERED_BY_ANOTHER = new Set(['deleteVector', 'getMetrics']);

test('every route has a method, and every write names itself', async () => {
  for (const call of CALLS) await call().catch(() => undefined);
  const routes = Object.entries(ROUTES as { readonly [name: string]: Route }).filter(([name]) => !COVERED_BY_ANOTHER.has(name));
  const missing = routes.filter(([, { method, url }]) => {
    const pattern = new RegExp(`^${url.replace(/:\w+/g, '[^/]+')}$`);
    return !seen.some((request) => request.method === method && pattern.test(request.path));
  });
  expect(missing.map(([name]) => name)).toEqual([]);
  const writes = seen.filter(({ method, path }) => method === 'POST' && /\/(vectors|delete|payloads)$/.test(path));
  expect(writes.length).toBeGreaterThanOrEqual(5);
  expect(writes.every(({ headers }) => (headers['idempotency-key'] ?? '').length > 10)).toBe(true);
  expect(new Set(writes.map(({ headers }) => headers['idempotency-key'])).size).toBe(writes.length);
});
