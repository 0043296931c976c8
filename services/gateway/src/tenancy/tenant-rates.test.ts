import { createServer, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { parseTenantId } from '@shoal/protocol';
import type { Redis } from 'ioredis';
import { openRateStore } from './rate-store.ts';
import { TenantRates } from './tenant-rates.ts';

const logger = pino({ level: 'silent' });
const tenant = parseTenantId('acme');
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function ratesOver(port: number): { readonly rates: TenantRates; readonly redis: Redis } {
  const redis = openRateStore(`redis://127.0.0.1:${port}`, logger);
  closers.push(() => redis.disconnect());
  return { rates: new TenantRates({ logger, redis }), redis };
}

/** A server that takes connections and says nothing to commands beyond the first greetings. */
async function silentServer(): Promise<{ readonly server: Server; readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

const outcomes = async (rates: TenantRates, count: number): Promise<string[]> => {
  const taken = Array.from({ length: count }, () => rates.take(tenant, 'requestsPerSecond', 5, 1).then(() => 'in', (error: { code: string }) => error.code));
  return Promise.all(taken);
};

it('are counted by the gateway itself while Redis is not there', async () => {
  const { server, port } = await silentServer();
  await new Promise((resolve) => server.close(resolve));
  const taken = await outcomes(ratesOver(port).rates, 20);
  expect(taken.filter((outcome) => outcome === 'in').length).toBe(5);
  expect(taken.filter((outcome) => outcome === 'rate_limited').length).toBe(15);
});

it('are counted by the gateway itself while Redis does not answer', async () => {
  const { port } = await silentServer();
  const taken = await outcomes(ratesOver(port).rates, 20);
  expect(taken.filter((outcome) => outcome === 'in').length).toBe(5);
  expect(new Set(taken)).toEqual(new Set(['in', 'rate_limited']));
});
