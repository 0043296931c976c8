import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ShoalError, type SearchResponse, type WriteResponse } from '@shoal/protocol';
import { systemTimers, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from './limits.ts';
import { GatewayFixture, ROOT_KEY, call, startTestGateway } from './testing/gateway-fixture.ts';

const POINTS = { name: 'points', model: 'm', dim: 2, distance: 'l2' };

describe('starting', () => {
  it('says in one sentence that the port is taken', async () => {
    const fixture = await GatewayFixture.start();
    const port = Number(new URL(fixture.gateway.url).port);
    const second = startTestGateway(fixture.bus, { port });
    await expect(second).rejects.toMatchObject({ code: 'port_in_use', message: expect.stringMatching(new RegExp(`^Port ${port} .* SHOAL_HTTP_PORT [^.]*\\.$`)) });
    expect((await fixture.call('GET', '/healthz')).status).toBe(200);
    await fixture.close();
  });

  it('works next to other gateways: what one registers, all serve', async () => {
    const fixture = await GatewayFixture.start();
    const second = await startTestGateway(fixture.bus);
    fixture.shard.announce();
    await fixture.call('POST', '/v1/embeddings', POINTS);
    const { receipt } = (await call(second, 'POST', '/v1/embeddings/points/vectors', { vectors: [{ key: 'a', values: [1, 2] }] })).json<WriteResponse>();
    const found = await fixture.call('POST', '/v1/embeddings/points/search', { vector: [1, 2], k: 1, after: receipt });
    expect(found.json<SearchResponse>().results).toEqual([{ key: 'a', distance: 0 }]);
    await second.close();
    await fixture.close();
  });
});

describe('closing', () => {
  it('finishes the requests under way, takes no others, and ends', async () => {
    const fixture = await GatewayFixture.start();
    await fixture.call('POST', '/v1/embeddings', POINTS);
    let open: () => void = () => undefined;
    fixture.shard.gate = new Promise((resolve) => (open = resolve));
    const underWay = fixture.call('POST', '/v1/embeddings/points/search', { vector: [1, 2], k: 1 });
    await expect.poll(() => fixture.shard.receivedSearches.length).toBe(1);
    const socket = connect(Number(new URL(fixture.gateway.url).port), '127.0.0.1');
    socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    const closed = fixture.gateway.close();
    await expect.poll(() => fetch(fixture.gateway.url).then(() => 'taken', () => 'refused')).toBe('refused');
    open();
    const answer = await underWay;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('connection')).toBe('close');
    await closed;
    await fixture.bus.close();
  });
});

describe('closing with a request that does not end', () => {
  it('cuts it off at the deadline', async () => {
    const deadlines: (() => void)[] = [];
    const timers: Timers = { after: (delayMs, callback) => (delayMs === GATEWAY_LIMITS.closeTimeoutMs ? (deadlines.push(callback), () => undefined) : systemTimers.after(delayMs, callback)) };
    const fixture = await GatewayFixture.start(8, { timers });
    await fixture.call('POST', '/v1/embeddings', POINTS);
    fixture.shard.gate = new Promise(() => undefined);
    const stuck = fixture.call('POST', '/v1/embeddings/points/search', { vector: [1, 2], k: 1, timeoutMs: 500 }).then(() => 'answered', () => 'cut off');
    await expect.poll(() => fixture.shard.receivedSearches.length).toBe(1);
    const closed = fixture.gateway.close();
    await expect.poll(() => deadlines.length).toBe(1);
    deadlines[0]?.();
    expect(await stuck).toBe('cut off');
    await closed;
    await fixture.bus.close();
  });
});

describe('the log', () => {
  it('holds no key, at any level, whoever calls and whatever goes wrong', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) }));
    const fixture = await GatewayFixture.start(8, { logger });
    const { key } = (await fixture.call('POST', '/v1/keys', { role: 'write', name: 'indexer' })).json<{ key: string }>();
    const headers = { authorization: `Bearer ${key}` };
    await fixture.call('POST', '/v1/embeddings', POINTS, headers);
    await fixture.call('POST', `/v1/embeddings/points/vectors?after=${key}`, { vectors: [{ key: 'a', values: [1, 2] }] }, headers);
    await fixture.call('GET', '/v1/tenants', undefined, headers);
    await fixture.call('GET', '/v1/embeddings', undefined, { authorization: `Bearer ${key}x` });
    fixture.bus.log.refuse = new Error('broken') as ShoalError;
    await fixture.call('POST', '/v1/embeddings/points/vectors', { vectors: [{ key: 'a', values: [1, 2] }] }, headers);
    await fixture.close();
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.join('')).toContain('key.create');
    for (const secret of [key.slice(-43), ROOT_KEY]) expect(lines.join('')).not.toContain(secret);
  });
});

describe('every key', () => {
  it('can be read, also one that a URL takes for a place', async () => {
    const fixture = await GatewayFixture.start();
    await fixture.call('POST', '/v1/embeddings', POINTS);
    const keys = ['.', '..', 'a/b', '?', '%2e', '💥', ' ', '../x', '#'];
    const { receipt } = (await fixture.call('POST', '/v1/embeddings/points/vectors', { vectors: keys.map((key, index) => ({ key, values: [index, 1] })) })).json<WriteResponse>();
    for (const [index, key] of keys.entries()) {
      const after = `after=${encodeURIComponent(JSON.stringify(receipt))}`;
      const found = await fixture.call('GET', `/v1/embeddings/points/vectors?key=${encodeURIComponent(key)}&${after}`);
      expect(found.json(), key).toMatchObject({ key, values: [index, 1] });
      if (key === '.' || key === '..') continue;
      expect((await fixture.call('GET', `/v1/embeddings/points/vectors/${encodeURIComponent(key)}?${after}`)).json(), key).toMatchObject({ key, values: [index, 1] });
    }
    expect((await fixture.call('GET', '/v1/embeddings/points/vectors')).json()).toMatchObject({ code: 'missing_field', field: 'key' });
    await fixture.close();
  });
});

describe('every answer', () => {
  it('carries a request id, the caller\'s own where it is harmless', async () => {
    const fixture = await GatewayFixture.start();
    const ids = await Promise.all(['/healthz', '/nowhere', '/v1/embeddings', '/v1/embeddings/%ff'].map(async (path) => (await fixture.call('GET', path)).headers.get('x-request-id')));
    expect(ids.every((id) => id !== null && id.length > 5)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await fixture.call('GET', '/nowhere', undefined, { 'x-request-id': 'mine-1' })).json().requestId).toBe('mine-1');
    expect((await fixture.call('GET', '/nowhere', undefined, { 'x-request-id': 'not mine!' })).json().requestId).not.toBe('not mine!');
    await fixture.close();
  });

  it('to an unexpected error tells nothing but the request id, under which the log has it', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) }));
    const fixture = await GatewayFixture.start(8, { logger });
    await fixture.call('POST', '/v1/embeddings', POINTS);
    await fixture.call('POST', '/v1/embeddings/points/vectors', { vectors: [{ key: 'secret key', values: [1234.5, 2], payload: { secret: 'payload' } }], wait: 'applied' });
    fixture.bus.log.refuse = new Error('the inside of the service') as ShoalError;
    const answer = await fixture.call('POST', '/v1/embeddings/points/vectors', { vectors: [{ key: 'secret key', values: [1234.5, 2] }] });
    expect(answer.json()).toMatchObject({ code: 'internal', status: 500, retryable: true });
    expect(answer.text).not.toContain('inside');
    const { requestId } = answer.json();
    expect(lines.some((line) => line.includes(requestId) && line.includes('the inside of the service'))).toBe(true);
    await expect.poll(() => lines.filter((line) => line.includes('"route":"/v1/embeddings/:name/vectors"') && line.includes('"status":500') && line.includes('"ms":')).length).toBe(1);
    for (const secret of ['secret', '1234.5', ROOT_KEY]) expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    await fixture.close();
  });
});
