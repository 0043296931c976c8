import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ShoalClient } from './shoal-client.ts';
import { startFakeShoal, type FakeShoal } from './testing/fake-shoal.ts';

let fake: FakeShoal;
const servers: Server[] = [];
beforeEach(async () => {
  fake = await startFakeShoal();
});
afterEach(async () => {
  await fake.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A gateway that takes connections; whether it answers is up to the handler. */
async function gateway(handler: (path: string) => { readonly status: number; readonly body: string } | undefined): Promise<{ readonly url: string; readonly paths: string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    const answer = handler(request.url ?? '');
    if (answer !== undefined) response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
}

const clientOf = (...urls: string[]): ShoalClient => new ShoalClient({ url: urls, random: () => 0 });

test('what one gateway cannot answer goes to the next, and so does what follows', async () => {
  const unable = await gateway(() => ({ status: 503, body: JSON.stringify({ code: 'not_ready', retryable: true }) }));
  const client = clientOf('http://127.0.0.1:1', unable.url, fake.url);
  expect(await client.embeddings()).toEqual([]);
  expect(client.url).toBe(fake.url);
  await client.embeddings();
  expect(unable.paths.length).toBe(1);
  expect(fake.requests.length).toBe(2);
});

test('a gateway that stands still is left, and a write takes effect once', async () => {
  const still = await gateway(() => undefined);
  const client = clientOf(still.url, fake.url);
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 1, distance: 'l2' });
  expect((await handle.upsert([{ key: 'a', values: [1] }])).accepted).toBe(1);
  expect(still.paths[1]).toBe('/healthz');
  expect(client.url).toBe(fake.url);
});

test('a gateway that lives may take its time', async () => {
  let answer: ((value: { status: number; body: string }) => void) | undefined;
  const paths: string[] = [];
  const slow = createServer((request, response) => {
    paths.push(request.url ?? '');
    if (request.url === '/healthz') {
      // The second sign of life lets the answer come.
      if (paths.filter((path) => path === '/healthz').length === 2) answer?.({ status: 200, body: '{"embeddings":[]}' });
      response.end('{}');
    } else answer = ({ status, body }) => response.writeHead(status).end(body);
  });
  servers.push(slow);
  slow.listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const client = clientOf(`http://127.0.0.1:${(slow.address() as AddressInfo).port}`, fake.url);
  expect(await client.embeddings()).toEqual([]);
  expect(paths.length).toBe(3);
  expect(fake.requests.length).toBe(0);
});

test('of the errors of the request none sends it elsewhere', async () => {
  const refusing = await gateway(() => ({ status: 404, body: JSON.stringify({ code: 'embedding_not_found', retryable: false }) }));
  const client = clientOf(refusing.url, fake.url);
  await expect(client.embedding('none').describe()).rejects.toMatchObject({ code: 'embedding_not_found' });
  expect(client.url).toBe(refusing.url);
  expect(() => new ShoalClient({ url: [] })).toThrow(expect.objectContaining({ code: 'invalid_field', field: 'url' }));
});
