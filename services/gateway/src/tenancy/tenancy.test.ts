import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditResponse, KeyListResponse, LimitsResponse, NewKeyResponse, TenantListResponse, UsageResponse } from '@shoal/protocol';
import { LIMITS, type TenantId } from '@shoal/protocol';
import type { Gateway } from '../gateway.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { StorageQuotas } from './storage-quotas.ts';
import { GatewayFixture, call, startTestGateway, type Answer } from '../testing/gateway-fixture.ts';

const POINTS = { name: 'points', model: 'm', dim: 2, distance: 'l2' };

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await GatewayFixture.start();
});
afterEach(() => fixture.close());

async function newTenant(tenant: string, quotas: object = {}): Promise<{ readonly authorization: string }> {
  expect((await fixture.call('POST', '/v1/tenants', { tenant, quotas })).status).toBe(201);
  return newKey(tenant, 'admin');
}

async function newKey(tenant: string, role: string): Promise<{ readonly authorization: string }> {
  const { key } = (await fixture.call('POST', '/v1/keys', { role }, { 'x-shoal-tenant': tenant })).json<NewKeyResponse>();
  return { authorization: `Bearer ${key}` };
}

const vectors = (count: number, first = 0): object => ({ vectors: Array.from({ length: count }, (_, index) => ({ key: `v${first + index}`, values: [index, 1] })) });

describe('tenants', () => {
  it('are created once, changed, listed in pages, and deleted with keys and embeddings', async () => {
    const admin = await newTenant('acme', { vectors: 5 });
    expect((await fixture.call('POST', '/v1/tenants', { tenant: 'acme', quotas: { vectors: 5 } })).status).toBe(200);
    expect((await fixture.call('POST', '/v1/tenants', { tenant: 'acme', quotas: {} })).json()).toMatchObject({ code: 'tenant_exists' });
    await newTenant('beta');
    const changed = await fixture.call('PATCH', '/v1/tenants/acme', { quotas: { vectors: null, embeddings: 1 } });
    expect(changed.json()).toMatchObject({ quotas: { embeddings: 1 } });
    expect(changed.json<{ quotas: object }>().quotas).not.toHaveProperty('vectors');
    const first = (await fixture.call('GET', '/v1/tenants?limit=2')).json<TenantListResponse>();
    const second = (await fixture.call('GET', `/v1/tenants?limit=2&cursor=${first.next}`)).json<TenantListResponse>();
    expect([...first.tenants, ...second.tenants].map(({ tenant }) => tenant)).toEqual(['acme', 'beta', 'default']);
    expect(second.next).toBeUndefined();
    expect((await fixture.call('POST', '/v1/embeddings', POINTS, admin)).status).toBe(201);
    expect((await fixture.call('POST', '/v1/embeddings', { ...POINTS, name: 'more', model: 'm2' }, admin)).json()).toMatchObject({ code: 'too_many_embeddings', limit: 1 });
    expect((await fixture.call('DELETE', '/v1/tenants/acme')).status).toBe(204);
    expect((await fixture.call('GET', '/v1/embeddings', undefined, admin)).status).toBe(401);
    expect((await fixture.call('DELETE', '/v1/tenants/acme')).json()).toMatchObject({ code: 'tenant_not_found' });
    const reborn = await newTenant('acme');
    expect((await fixture.call('GET', '/v1/embeddings', undefined, reborn)).json()).toEqual({ embeddings: [] });
    expect((await fixture.call('DELETE', '/v1/tenants/default')).json()).toMatchObject({ code: 'forbidden' });
  });

  it('see each other\'s names as free', async () => {
    const [a, b] = [await newTenant('a'), await newTenant('b')];
    expect((await fixture.call('POST', '/v1/embeddings', POINTS, a)).status).toBe(201);
    expect((await fixture.call('POST', '/v1/embeddings', POINTS, b)).status).toBe(201);
  });
});

describe('keys', () => {
  it('are shown once, kept as hashes, and revoked at every gateway', async () => {
    await newTenant('acme');
    const second: Gateway = await startTestGateway(fixture.bus);
    const created = (await fixture.call('POST', '/v1/keys', { role: 'read', name: 'reader' }, { 'x-shoal-tenant': 'acme' })).json<NewKeyResponse>();
    const headers = { authorization: `Bearer ${created.key}` };
    await expect.poll(async () => (await call(second, 'GET', '/v1/embeddings', undefined, headers)).status).toBe(200);
    const listed = await fixture.call('GET', '/v1/keys', undefined, { 'x-shoal-tenant': 'acme' });
    expect(listed.json<KeyListResponse>().keys.find(({ id }) => id === created.id)).toMatchObject({ role: 'read', name: 'reader' });
    const secret = created.key.slice(-43);
    expect(listed.text).not.toContain(secret);
    for (const { value } of fixture.bus.registry.entries.values()) expect(Buffer.from(value).toString()).not.toContain(secret);
    expect((await fixture.call('DELETE', `/v1/keys/${created.id}`, undefined, { 'x-shoal-tenant': 'acme' })).status).toBe(204);
    expect((await fixture.call('GET', '/v1/embeddings', undefined, headers)).status).toBe(401);
    await expect.poll(async () => (await call(second, 'GET', '/v1/embeddings', undefined, headers)).status).toBe(401);
    expect((await fixture.call('DELETE', `/v1/keys/${created.id}`, undefined, { 'x-shoal-tenant': 'acme' })).json()).toMatchObject({ code: 'key_not_found' });
    await second.close();
  });

  it('are refused with the field at fault when they cannot be', async () => {
    for (const [body, field] of [
      [{}, 'role'], [{ role: 'root' }, 'role'], [{ role: 'admin', embeddings: ['x'] }, 'embeddings'], [{ role: 'read', embeddings: [] }, 'embeddings'],
      [{ role: 'read', expiresAt: 'tomorrow' }, 'expiresAt'], [{ role: 'read', expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt'], [{ role: 'read', name: '\u0000' }, 'name'],
      [{ role: 'read', tenant: 'x' }, 'tenant'],
    ] as const) expect((await fixture.call('POST', '/v1/keys', body)).json(), JSON.stringify(body)).toMatchObject({ status: 400, field });
  });
});

describe('rates and quotas', () => {
  it('answer 429 with the time to wait, to the tenant alone, and never to the root key', async () => {
    const slow = await newTenant('slow', { requestsPerSecond: 3 });
    const other = await newTenant('other');
    const answers = await Promise.all(Array.from({ length: 8 }, () => fixture.call('GET', '/v1/embeddings', undefined, slow)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(refused[0]?.json()).toMatchObject({ code: 'rate_limited', retryable: true, limit: 3 });
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect((await fixture.call('GET', '/v1/embeddings', undefined, other)).status).toBe(200);
    expect((await fixture.call('GET', '/v1/embeddings', undefined, { 'x-shoal-tenant': 'slow' })).status).toBe(200);
  });

  it('let a write pass that is larger than a second is worth, and then ask for patience', async () => {
    const headers = await newTenant('bulk', { vectorsPerSecond: 10 });
    await fixture.call('POST', '/v1/embeddings', POINTS, headers);
    expect((await fixture.call('POST', '/v1/embeddings/points/vectors', vectors(50), headers)).status).toBe(200);
    const refused = await fixture.call('POST', '/v1/embeddings/points/vectors', vectors(1), headers);
    expect(refused.json()).toMatchObject({ code: 'rate_limited' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
  });

  it('hold the vectors of a tenant to its quota, however they come, and let it delete', async () => {
    const headers = await newTenant('small', { vectors: 20 });
    await fixture.call('POST', '/v1/embeddings', POINTS, headers);
    const write = (count: number, first: number): Promise<Answer> => fixture.call('POST', '/v1/embeddings/points/vectors', vectors(count, first), headers);
    expect((await write(15, 0)).status).toBe(200);
    expect((await write(15, 15)).json()).toMatchObject({ code: 'quota_exceeded', retryable: false, limit: 20 });
    expect((await write(5, 15)).status).toBe(200);
    expect((await fixture.call('POST', '/v1/embeddings/points/delete', { keys: ['v1'] }, headers)).status).toBe(200);
    expect((await fixture.call('GET', '/v1/limits', undefined, headers)).json<LimitsResponse>()).toMatchObject({ quotas: { vectors: 20 }, limits: { k: LIMITS.k } });
  });
});

describe('storage quotas', () => {
  it('let a write that fits be tried again when only writes that may be counted already stand in its way', async () => {
    let nowMs = 0;
    let stored = 0;
    const quotas = new StorageQuotas({ clock: { nowMs: () => nowMs }, measure: async () => ({ vectors: stored, bytes: 0 }) });
    const write = (vectors: number): Promise<void> => quotas.admit('acme' as TenantId, { vectors: 10 }, { vectors, bytes: 0 });
    await write(9);
    stored = 9;
    nowMs = GATEWAY_LIMITS.quotaRemeasureMs + 1;
    await expect(write(2)).rejects.toMatchObject({ code: 'quota_exceeded', retryable: false });
    await expect(write(1)).rejects.toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: GATEWAY_LIMITS.quotaApplyLagMs });
    nowMs += GATEWAY_LIMITS.quotaApplyLagMs;
    await write(1);
  });
});

describe('usage', () => {
  it('sums what every request told its caller, over two gateways', async () => {
    const second = await startTestGateway(fixture.bus);
    fixture.shard.announce();
    const headers = await newTenant('acme');
    const answers: Answer[] = [await fixture.call('POST', '/v1/embeddings', POINTS, headers)];
    await expect.poll(async () => (await call(second, 'GET', '/v1/limits', undefined, headers)).status).toBe(200);
    for (const gateway of [fixture.gateway, second, fixture.gateway]) {
      answers.push(await call(gateway, 'POST', '/v1/embeddings/points/vectors', vectors(7), headers));
      answers.push(await call(gateway, 'POST', '/v1/embeddings/points/search', { vector: [1, 2], k: 3 }, headers));
    }
    const sum = (name: string): number => answers.reduce((total, { headers: given }) => total + Number(new RegExp(`${name}=(\\d+)`).exec(given.get('shoal-cost') ?? '')?.[1]), 0);
    expect(sum('vectors')).toBe(21);
    await second.close();
    const usage = (await fixture.call('GET', '/v1/tenants/acme/usage')).json<UsageResponse>();
    expect(usage).toMatchObject({ distances: sum('distances'), vectorsWritten: 21, stored: { embeddings: 1, complete: true } });
    expect(usage.distances).toBeGreaterThan(0);
    // The root key's own requests for the tenant are its usage too.
    expect(usage.bytesIn).toBeGreaterThanOrEqual(sum('bytes-in'));
    expect(usage.bytesOut).toBeGreaterThanOrEqual(sum('bytes-out'));
  });
});

describe('the audit log', () => {
  it('has every act in order without a gap, written by two gateways at once, and keeps the last ones', async () => {
    const second = await startTestGateway(fixture.bus);
    const headers = await newTenant('acme');
    await expect.poll(async () => (await call(second, 'GET', '/v1/limits', undefined, headers)).status).toBe(200);
    const count = LIMITS.auditEvents / 2 + 10;
    await Promise.all([fixture.gateway, second].map(async (gateway) => {
      for (let index = 0; index < count; index += 1) {
        const { id } = (await call(gateway, 'POST', '/v1/keys', { role: 'read' }, headers)).json<NewKeyResponse>();
        if (index % 2 === 0) await call(gateway, 'DELETE', `/v1/keys/${id}`, undefined, headers);
      }
    }));
    const { events } = (await fixture.call('GET', '/v1/tenants/acme/audit')).json<AuditResponse>();
    expect(events.length).toBe(LIMITS.auditEvents);
    events.forEach(({ sequence }, index) => expect(sequence).toBe((events[0]?.sequence ?? 0) - index));
    expect(events[0]?.sequence).toBe(1 + 3 * count);
    expect((await fixture.call('GET', '/v1/audit')).json<AuditResponse>().events).toMatchObject([{ act: 'tenant.create', subject: 'acme', by: 'root' }]);
    await second.close();
  });
});
