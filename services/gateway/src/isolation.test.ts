/** Every route of the table, called with every kind of key that must get nothing from it. A new route is covered without a word here. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ROUTES, type Access, type ImportResponse, type NewKeyResponse, type Problem, type Route, type WriteResponse } from '@shoal/protocol';
import { GatewayFixture, ROOT_KEY, type Answer } from './testing/gateway-fixture.ts';

/** Words that are tenant a's alone. */
const SECRETS = ['secret-space', 'secret-model', 'secret-key', 'secret payload', 'secret-indexer', 'secret-alias', 'secret-host'];
const routes = Object.entries(ROUTES as { readonly [name: string]: Route }).filter(([, { config }]) => config.access !== 'open');

/** A body that the route would take; a route without one here gets an empty object, which must not help either. */
const BODIES: { readonly [name: string]: unknown } = {
  registerEmbedding: { name: 'own', model: 'own', dim: 2, distance: 'l2' },
  writeVectors: { vectors: [{ key: 'k', values: [9, 9] }] },
  deleteVectors: { keys: ['secret-key'] },
  search: { vector: [1, 2], k: 10, include: ['payload'] },
  declareFields: { fields: { text: 'keyword' } },
  updatePayloads: { updates: [{ key: 'secret-key', payload: { text: 'changed' } }] },
  scrollVectors: { include: ['payload'] },
  countVectors: {},
  setAlias: { embedding: 'unknown-space' },
  moveSlot: { shard: 'shard-9' },
  setReplicas: { replicas: 2 },
  createTenant: { tenant: 'other' },
  updateTenant: { quotas: { vectors: 1 } },
  createKey: { role: 'read' },
  createImport: { embedding: 'unknown-space', sources: ['https://example.org/a.jsonl'] },
  restoreKey: { role: 'read', createdAt: '2026-01-01T00:00:00Z', secretHash: 'a'.repeat(64) },
};

interface Names {
  readonly name: string;
  readonly key: string;
  readonly alias: string;
  readonly tenant: string;
  readonly id: string;
  readonly import: string;
  readonly shard: string;
  readonly slot: string;
}

let fixture: GatewayFixture;
let nowMs = Date.now();
let ofA: Names;
const never: Names = { name: 'never-named', key: 'never-key', alias: 'never-alias', tenant: 'never-tenant', id: '00000000deadbeef', import: '00000000000000000000000000000000', slot: '0006', shard: 'shard-9' };
const keys = { adminA: '', writeA: '', readA: '', boundA: '', adminB: '', expired: '', revoked: '', ofDeletedTenant: '' };
let receipt: WriteResponse['receipt'];

const bearer = (key: string): { readonly authorization: string } => ({ authorization: `Bearer ${key}` });

async function newKey(tenant: string, body: object): Promise<NewKeyResponse> {
  const answer = await fixture.call('POST', '/v1/keys', body, { 'x-shoal-tenant': tenant });
  expect(answer.status).toBe(201);
  return answer.json<NewKeyResponse>();
}

beforeAll(async () => {
  fixture = await GatewayFixture.start(8, { clock: { nowMs: () => nowMs } });
  for (const tenant of ['tenant-a', 'tenant-b', 'gone']) expect((await fixture.call('POST', '/v1/tenants', { tenant })).status).toBe(201);
  const admin = await newKey('tenant-a', { role: 'admin', name: 'secret-indexer' });
  keys.adminA = admin.key;
  keys.writeA = (await newKey('tenant-a', { role: 'write' })).key;
  keys.readA = (await newKey('tenant-a', { role: 'read' })).key;
  keys.boundA = (await newKey('tenant-a', { role: 'write', embeddings: ['elsewhere'] })).key;
  keys.adminB = (await newKey('tenant-b', { role: 'admin' })).key;
  keys.expired = (await newKey('tenant-a', { role: 'admin', expiresAt: new Date(nowMs + 60_000).toISOString() })).key;
  const revoked = await newKey('tenant-a', { role: 'admin' });
  keys.revoked = revoked.key;
  keys.ofDeletedTenant = (await newKey('gone', { role: 'admin' })).key;
  // Each has been used, so that none is refused for being new.
  for (const key of Object.values(keys)) expect((await fixture.call('GET', '/v1/embeddings', undefined, bearer(key))).status).toBe(200);
  nowMs += 120_000;
  fixture.shard.announce();
  expect((await fixture.call('DELETE', `/v1/keys/${revoked.id}`, undefined, bearer(keys.adminA))).status).toBe(204);
  expect((await fixture.call('DELETE', '/v1/tenants/gone')).status).toBe(204);
  ofA = { name: 'secret-space', key: 'secret-key', alias: 'secret-alias', tenant: 'tenant-a', id: admin.id, import: '', slot: '0005', shard: 'secret-shard' };
  expect((await fixture.call('POST', '/v1/embeddings', { name: 'secret-space', model: 'secret-model', dim: 2, distance: 'l2' }, bearer(keys.writeA))).status).toBe(201);
  const imported = await fixture.call('POST', '/v1/imports', { embedding: 'secret-space', sources: ['https://secret-host.example/a.jsonl'] }, bearer(keys.writeA));
  expect(imported.status).toBe(201);
  ofA = { ...ofA, import: imported.json<ImportResponse>().id };
  const written = await fixture.call('POST', '/v1/embeddings/secret-space/vectors', { vectors: [{ key: 'secret-key', values: [1, 2], payload: { text: 'secret payload' } }] }, bearer(keys.writeA));
  expect((await fixture.call('PUT', '/v1/aliases/secret-alias', { embedding: 'secret-space' }, bearer(keys.adminA))).status).toBe(200);
  ({ receipt } = written.json<WriteResponse>());
});
afterAll(() => fixture.close());

const pathOf = ({ url }: Route, names: Names): string =>
  url.replace(/:(\w+)/g, (_all, parameter: string) => {
    const value = (names as unknown as Record<string, string>)[parameter];
    if (value === undefined) throw new Error(`say in this test what :${parameter} of tenant a is`);
    return value;
  });

async function attempt(operation: string, route: Route, names: Names, key: string | undefined): Promise<Answer> {
  const hasBody = route.method !== 'GET' && route.schema.body !== undefined;
  return fixture.call(route.method, pathOf(route, names), hasBody ? (BODIES[operation] ?? {}) : undefined, { authorization: key === undefined ? '' : `Bearer ${key}` });
}

/** What a caller sees, without what belongs to the request itself. */
function visible(answer: Answer, names: Names): unknown {
  const headers = [...answer.headers.keys()].filter((name) => !['date', 'x-request-id', 'content-length', 'shoal-cost'].includes(name));
  const { requestId: _requestId, ...problem } = answer.json<Problem>();
  let text = JSON.stringify(problem);
  for (const name of Object.values(names)) text = text.replaceAll(name, '*');
  return { status: answer.status, headers, text };
}

const expectNoSecrets = (answer: Answer): void => {
  for (const secret of SECRETS) expect(answer.text).not.toContain(secret);
};

describe.each(routes)('%s', (operation, route) => {
  it.each(['expired', 'revoked', 'ofDeletedTenant', 'unknown', 'none'] as const)('refuses a key that is %s like no key at all', async (kind) => {
    const key = kind === 'none' ? undefined : kind === 'unknown' ? `shoal_0123456789abcdef_${'x'.repeat(43)}` : keys[kind];
    const answer = await attempt(operation, route, ofA, key);
    expect(answer.status).toBe(401);
    expect(visible(answer, ofA)).toEqual(visible(await attempt(operation, route, never, undefined), never));
  });

  it('refuses roles below its own, for things that are there and things that are not', async () => {
    const roles: readonly (readonly [Access, string])[] = [['read', keys.readA], ['write', keys.writeA], ['admin', keys.adminA]];
    const needed = ['open', 'read', 'write', 'admin', 'root'].indexOf(route.config.access);
    for (const [role, key] of roles) {
      if (['open', 'read', 'write', 'admin', 'root'].indexOf(role) >= needed) continue;
      const answer = await attempt(operation, route, ofA, key);
      expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' });
      expect(visible(answer, ofA)).toEqual(visible(await attempt(operation, route, never, key), never));
    }
  });

  it('shows a key of another tenant the same for what exists as for what never did, after the same work', async () => {
    if (!route.url.includes(':')) return;
    const asked = vi.spyOn(fixture.bus.registry, 'get');
    const requested = vi.spyOn(fixture.bus.requests, 'request');
    const workOf = async (names: Names): Promise<{ answer: Answer; work: readonly number[] }> => {
      const tries: { readonly answer: Answer; readonly work: readonly [number, number] }[] = [];
      // What the gateway does every few seconds by itself may fall into one of them.
      for (let turn = 0; turn < 3; turn += 1) {
        asked.mockClear();
        requested.mockClear();
        const answer = await attempt(operation, route, names, keys.adminB);
        tries.push({ answer, work: [asked.mock.calls.length, requested.mock.calls.length] });
      }
      const [first] = tries;
      if (first === undefined) throw new Error('there were three tries');
      return { answer: first.answer, work: [Math.min(...tries.map(({ work }) => work[0])), Math.min(...tries.map(({ work }) => work[1]))] };
    };
    const existing = await workOf(ofA);
    const absent = await workOf(never);
    vi.restoreAllMocks();
    expect([403, 404]).toContain(existing.answer.status);
    expect(visible(existing.answer, ofA)).toEqual(visible(absent.answer, never));
    // An entry of the registry that is there and another tenant's is read as one that is not.
    expect(existing.work).toEqual(absent.work);
    expectNoSecrets({ ...existing.answer, text: existing.answer.text.replaceAll(ofA.name, '*').replaceAll(ofA.key, '*').replaceAll(ofA.alias, '*') });
  });

  it('tells a key of another tenant nothing that is not its own', async () => {
    if (route.url.includes(':')) return;
    expectNoSecrets(await attempt(operation, route, ofA, keys.adminB));
  });

  it('lets no key but the root key speak for another tenant', async () => {
    const answer = await fixture.call(route.method, pathOf(route, ofA), undefined, { ...bearer(keys.adminB), 'x-shoal-tenant': 'tenant-a' });
    expect(answer.json()).toMatchObject({ code: 'forbidden' });
    expectNoSecrets({ ...answer, text: answer.text.replaceAll(ofA.name, '*') });
  });
});

describe('a key', () => {
  it('bound to other embeddings finds the rest of its tenant as if it did not exist', async () => {
    for (const [operation, route] of routes) {
      if (!route.url.includes(':name') || route.config.access === 'admin' || route.config.access === 'root') continue;
      const existing = await attempt(operation, route, ofA, keys.boundA);
      expect(existing.status, operation).toBe(404);
      expect(visible(existing, ofA)).toEqual(visible(await attempt(operation, route, never, keys.boundA), never));
    }
    expectNoSecrets(await fixture.call('GET', '/v1/embeddings', undefined, bearer(keys.boundA)));
    expect((await fixture.call('POST', '/v1/embeddings', BODIES['registerEmbedding'], bearer(keys.boundA))).json()).toMatchObject({ code: 'forbidden' });
  });

  it('of another tenant gets nothing out of a receipt', async () => {
    await fixture.call('POST', '/v1/embeddings', { name: 'own', model: 'b', dim: 2, distance: 'l2' }, bearer(keys.adminB));
    const search = (after: unknown): Promise<Answer> => fixture.call('POST', '/v1/embeddings/own/search', { vector: [1, 2], k: 10, after }, bearer(keys.adminB));
    const answer = await search(receipt);
    expect(answer.json()).toMatchObject({ results: [] });
    expectNoSecrets(answer);
  });

  it('works again nowhere after it was revoked, and the tenant it belonged to is unharmed', async () => {
    expect((await fixture.call('GET', '/v1/embeddings', undefined, bearer(keys.revoked))).status).toBe(401);
    const found = await fixture.call('GET', '/v1/embeddings/secret-space/vectors/secret-key', undefined, bearer(keys.readA));
    expect(found.json()).toMatchObject({ key: 'secret-key', values: [1, 2], payload: { text: 'secret payload' } });
    expect((await fixture.call('GET', '/v1/tenants/tenant-a', undefined, { authorization: `Bearer ${ROOT_KEY}` })).json()).toMatchObject({ tenant: 'tenant-a', state: 'active', quotas: {} });
  });
});
