import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS, type Problem } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';
import { GatewayFixture, ROOT_KEY } from '../testing/gateway-fixture.ts';

const HUNDRED_MEGABYTES = 100 * 1024 * 1024;
const CHUNK = Buffer.alloc(1024 * 1024, 0x20);
const PATH = '/v1/embeddings/points/vectors';

let fixture: GatewayFixture;
beforeAll(async () => {
  fixture = await GatewayFixture.start();
  await fixture.call('POST', '/v1/embeddings', { name: 'points', model: 'm', dim: 2, distance: 'l2' });
});
afterAll(() => fixture.close());

interface Received {
  readonly status: number | undefined;
  readonly problem: Problem;
  /** How much of the body this client had handed over when the answer came. */
  readonly sentBytes: number;
}

/** Sends a body piece by piece as fast as the server takes it, and reads the answer whenever it comes. */
async function sendSlowly(headers: Record<string, string | number>, totalBytes: number): Promise<Received> {
  const { hostname, port } = new URL(fixture.gateway.url);
  const request = httpRequest({ hostname, port, path: PATH, method: 'POST', headers: { authorization: `Bearer ${ROOT_KEY}`, ...headers } });
  let sentBytes = 0;
  const progress = { answered: false };
  const answer = new Promise<Received>((resolve, reject) => {
    request.on('response', (response) => {
      const sentAtAnswer = sentBytes;
      progress.answered = true;
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode, problem: JSON.parse(text) as Problem, sentBytes: sentAtAnswer }));
    });
    request.on('error', reject);
  });
  while (sentBytes < totalBytes && !progress.answered && !request.destroyed) {
    sentBytes += CHUNK.length;
    if (!request.write(CHUNK)) await Promise.race([once(request, 'drain'), answer]);
    else await new Promise(setImmediate);
  }
  request.end();
  const received = await answer;
  request.destroy();
  return received;
}

async function stillServes(): Promise<void> {
  expect((await fixture.call('GET', '/v1/embeddings')).status).toBe(200);
}

const tooLarge = { code: 'body_too_large', status: 413, field: 'body', limit: LIMITS.bodyBytes, retryable: false };

describe('a body of 100 MB', () => {
  it('is refused at its head when it says its length', async () => {
    const { status, problem, sentBytes } = await sendSlowly({ 'content-type': 'application/json', 'content-length': HUNDRED_MEGABYTES }, HUNDRED_MEGABYTES);
    expect(status).toBe(413);
    expect(problem).toMatchObject(tooLarge);
    expect(sentBytes).toBeLessThan(HUNDRED_MEGABYTES);
    await stillServes();
  });

  it('is refused once it passes the limit when it comes in chunks', async () => {
    const { status, problem, sentBytes } = await sendSlowly({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, HUNDRED_MEGABYTES);
    expect(status).toBe(413);
    expect(problem).toMatchObject(tooLarge);
    expect(sentBytes).toBeGreaterThan(LIMITS.bodyBytes - 1);
    expect(sentBytes).toBeLessThan(HUNDRED_MEGABYTES);
    await stillServes();
  });

  it('is refused in a way that fetch sees, whole or streamed', async () => {
    const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };
    const whole = await fetch(fixture.gateway.url + PATH, { method: 'POST', headers, body: Buffer.alloc(HUNDRED_MEGABYTES, 0x20) });
    expect(await whole.json()).toMatchObject(tooLarge);
    let pieces = HUNDRED_MEGABYTES / CHUNK.length;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pieces === 0) return controller.close();
        pieces -= 1;
        controller.enqueue(CHUNK);
      },
    });
    const streamed = await fetch(fixture.gateway.url + PATH, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    expect(await streamed.json()).toMatchObject(tooLarge);
    await stillServes();
  });

  it('is refused to a client that reads only after it has sent everything', async () => {
    const socket = connect(Number(new URL(fixture.gateway.url).port), '127.0.0.1');
    socket.pause();
    socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ROOT_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${HUNDRED_MEGABYTES}\r\n\r\n`);
    for (let sent = 0; sent < HUNDRED_MEGABYTES; sent += CHUNK.length) {
      if (!socket.write(CHUNK)) await once(socket, 'drain');
    }
    const [first] = (await once(socket.resume(), 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 413 /);
    socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    let rest = '';
    for await (const piece of socket) rest += String(piece);
    expect(rest).toContain('HTTP/1.1 200 OK');
  });

  it('is refused before it is sent when the client asks first', async () => {
    const { hostname, port } = new URL(fixture.gateway.url);
    const request = httpRequest({
      hostname, port, path: PATH, method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', 'content-length': HUNDRED_MEGABYTES, expect: '100-continue' },
    });
    let gotLeave = false;
    request.on('continue', () => (gotLeave = true));
    request.flushHeaders();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(413);
    expect(response.headers.connection).toBe('close');
    expect(gotLeave).toBe(false);
    request.on('error', () => undefined).destroy();
    await stillServes();
  });
});

describe('other bodies', () => {
  it('are taken after leave was asked for', async () => {
    const { hostname, port } = new URL(fixture.gateway.url);
    const body = JSON.stringify({ vectors: [{ key: 'asked', values: [1, 2] }] });
    const request = httpRequest({
      hostname, port, path: PATH, method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue' },
    });
    request.on('continue', () => request.end(body));
    request.flushHeaders();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
  });

  it('are taken up to the limit', async () => {
    const head = '{"vectors":[{"key":"big","values":[1,2]}]}';
    const body = head + ' '.repeat(LIMITS.bodyBytes - head.length);
    expect((await fixture.call('POST', PATH, body)).status).toBe(200);
    expect((await fixture.call('POST', PATH, `${body} `)).json()).toMatchObject(tooLarge);
  });

  /** Requests that have announced a body and sent its beginning. */
  function begin(count: number, bodyBytes: number): { end(): void } {
    const { hostname, port } = new URL(fixture.gateway.url);
    const open = Array.from({ length: count }, () => {
      const request = httpRequest({
        hostname, port, path: PATH, method: 'POST',
        headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', 'content-length': bodyBytes },
      });
      request.on('error', () => undefined).write('{');
      return request;
    });
    return { end: () => open.forEach((request) => request.destroy()) };
  }

  const write = async (): Promise<number> => (await fixture.call('POST', PATH, { vectors: [{ key: 'a', values: [1, 2] }] })).status;

  it('of slow clients take few places, so that everything else is served', async () => {
    const slow = begin(GATEWAY_LIMITS.largeBodies * 2, LIMITS.bodyBytes);
    for (let round = 0; round < 20; round += 1) expect(await write()).toBe(200);
    slow.end();
  });

  it('are refused with overloaded while too many are under way, and taken again afterwards', async () => {
    const slow = begin(GATEWAY_LIMITS.bodyBytesInFlight / GATEWAY_LIMITS.largeBodyBytes, GATEWAY_LIMITS.largeBodyBytes);
    await expect.poll(write, { timeout: 30_000 }).toBe(503);
    const refused = await fixture.call('POST', PATH, { vectors: [{ key: 'a', values: [1, 2] }] });
    expect(refused.json()).toMatchObject({ code: 'overloaded', status: 503, retryable: true });
    expect(refused.headers.get('retry-after')).toBe('1');
    slow.end();
    await expect.poll(write, { timeout: 30_000 }).toBe(200);
  });
});

describe('what is not HTTP', () => {
  it.each([
    ['nonsense', 'nonsense\r\n\r\n', 'malformed_body'],
    ['headers beyond the limit', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(GATEWAY_LIMITS.headerBytes)}\r\n\r\n`, 'invalid_field'],
  ])('gets a problem: %s', async (_name, text, code) => {
    const socket = connect(Number(new URL(fixture.gateway.url).port), '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const piece of socket) answer += String(piece);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ code, status: 400 });
    await stillServes();
  });
});
