import { SLOT_BACKUP_MEDIA_TYPE, SlotBackupDecoder, type BackupStart, type NewKeyResponse } from '@shoal/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_LIMITS } from '../limits.ts';
import { GatewayFixture, ROOT_KEY } from '../testing/gateway-fixture.ts';

let fixture: GatewayFixture;
beforeAll(async () => {
  fixture = await GatewayFixture.start(4);
  await fixture.call('POST', '/v1/tenants', { tenant: 'acme' });
});
afterAll(() => fixture.close());

const restored = { role: 'write', name: 'indexer', createdAt: '2026-01-01T00:00:00.000Z', secretHash: 'a'.repeat(64) };
const asAcme = { 'x-shoal-tenant': 'acme' };

describe('PUT /v1/keys/{id}', () => {
  it('brings a key back, the same however often, and never over another', async () => {
    const first = await fixture.call('PUT', '/v1/keys/0123456789abcdef', restored, asAcme);
    expect(first.status).toBe(200);
    expect(first.json()).toMatchObject({ id: '0123456789abcdef', role: 'write', name: 'indexer', createdAt: restored.createdAt });
    expect((await fixture.call('PUT', '/v1/keys/0123456789abcdef', restored, asAcme)).text).toBe(first.text);
    const other = await fixture.call('PUT', '/v1/keys/0123456789abcdef', { ...restored, secretHash: 'b'.repeat(64) }, asAcme);
    expect(other.json()).toMatchObject({ status: 409, code: 'key_exists' });
    expect((await fixture.call('PUT', '/v1/keys/0123456789abcdef', restored)).json()).toMatchObject({ code: 'key_exists' });
  });

  it('works for its owner as before', async () => {
    const created = (await fixture.call('POST', '/v1/keys', { role: 'read' }, asAcme)).json<NewKeyResponse>();
    const { keys } = (await fixture.call('GET', '/v1/backup/tenants/acme')).json<{ keys: { id: string; secretHash: string; createdAt: string }[] }>();
    const { secretHash = '', createdAt = '' } = keys.find(({ id }) => id === created.id) ?? {};
    expect((await fixture.call('DELETE', `/v1/keys/${created.id}`, undefined, asAcme)).status).toBe(204);
    const own = { authorization: `Bearer ${created.key}` };
    expect((await fixture.call('GET', '/v1/embeddings', undefined, own)).status).toBe(401);
    expect((await fixture.call('PUT', `/v1/keys/${created.id}`, { role: 'read', createdAt, secretHash }, asAcme)).status).toBe(200);
    expect((await fixture.call('GET', '/v1/embeddings', undefined, own)).status).toBe(200);
  });

  it.each([
    ['an id that cannot be', 'XYZ', restored, 'id'],
    ['a hash that cannot be', '0123456789abcde0', { ...restored, secretHash: 'short' }, 'secretHash'],
    ['no time', '0123456789abcde0', { role: 'read', secretHash: restored.secretHash }, 'createdAt'],
    ['a member that is none', '0123456789abcde0', { ...restored, secret: 'x' }, 'secret'],
  ])('refuses %s', async (_what, id, body, field) => {
    expect((await fixture.call('PUT', `/v1/keys/${id}`, body, asAcme)).json()).toMatchObject({ status: 400, field });
  });
});

describe('GET /v1/backup', () => {
  const slotOf = (slot: number, query = ''): Promise<Response> => fetch(`${fixture.gateway.url}/v1/backup/slots/${slot}${query}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });

  it('tells where the log stands, and streams each slot up to there', async () => {
    await fixture.call('POST', '/v1/embeddings', { name: 'e', model: 'm', dim: 2, distance: 'l2' });
    await fixture.call('POST', '/v1/embeddings/e/vectors', { vectors: [{ key: 'a', values: [1, 2] }] });
    const { receipt, slots } = (await fixture.call('GET', '/v1/backup')).json<BackupStart>();
    expect(slots).toBe(4);
    const [[slot = '', to = 0] = []] = Object.entries(receipt);
    await fixture.call('POST', '/v1/embeddings/e/vectors', { vectors: [{ key: 'b', values: [1, 2] }] });
    const answer = await slotOf(Number(slot), `?to=${to}`);
    expect(answer.headers.get('content-type')).toBe(SLOT_BACKUP_MEDIA_TYPE);
    const decoder = new SlotBackupDecoder(answer.body ?? new ReadableStream());
    expect(await decoder.header()).toEqual({ slot: Number(slot), slots: 4, base: 0, to });
    for await (const piece of decoder.base()) expect(piece).toBeUndefined();
    let last = 0;
    for await (const { sequence } of decoder.messages()) last = sequence;
    expect(last).toBe(to);
  });

  it('refuses slots and sequences that are not there', async () => {
    expect(await (await slotOf(4)).json()).toMatchObject({ code: 'invalid_field', field: 'slot' });
    expect(await (await slotOf(0, '?to=999999')).json()).toMatchObject({ code: 'receipt_unknown', field: 'to' });
    expect(await (await slotOf(0, '?to=x')).json()).toMatchObject({ code: 'invalid_field', field: 'to' });
    expect((await fixture.call('GET', '/v1/backup/tenants/none')).json()).toMatchObject({ code: 'tenant_not_found' });
  });

  it('gives the place of a stream free when it has ended, also when it was refused', async () => {
    for (let count = 0; count < 3 * GATEWAY_LIMITS.backupStreams; count += 1) expect((await (await slotOf(0, count % 2 === 0 ? '' : '?to=999999')).arrayBuffer()).byteLength).toBeGreaterThan(0);
    expect((await slotOf(0)).status).toBe(200);
  });
});
