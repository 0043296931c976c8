import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTo, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect } from '@nats-io/transport-node';
import type { ShoalError } from '@shoal/protocol';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { readMessages, textOf } from '../conformance/log-fixtures.ts';
import { connectNatsBus } from './connect-nats-bus.ts';
import { findServer, freshOptions } from '../testing/nats-fixture.ts';

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('connecting to NATS', () => {
  const children: ChildProcess[] = [];
  const doors: Server[] = [];
  afterEach(async () => {
    for (const listener of doors.splice(0)) listener.close();
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  /** A server without a configuration file, so without JetStream unless the arguments say so. */
  async function plainServer(...args: readonly string[]): Promise<number> {
    const port = await freePort();
    children.push(spawn((await findServer(process.env['PATH'])).path, ['-a', '127.0.0.1', '-p', String(port), ...args], { stdio: 'ignore' }));
    return port;
  }

  it('lets many clients create log and registry at once', async () => {
    const options = freshOptions(inject('natsUrl'));
    const buses = await Promise.all(Array.from({ length: 8 }, () => connectNatsBus(options)));
    expect(new Set(buses.map((bus) => bus.description)).size).toBe(1);
    expect(buses[0]?.description).toMatch(/^nats-server \d+\.\d+\.\d+ at nats:\/\//);
    await Promise.all(buses.map((bus) => bus.close()));
  });

  it('refuses a log of another shape', async () => {
    const options = freshOptions(inject('natsUrl'));
    await (await connectNatsBus(options)).close();
    for (const other of [{ slots: 8 }, { streams: 1 }, { streams: 4 }]) {
      await expect(connectNatsBus({ ...options, ...other })).rejects.toMatchObject({ code: 'log_incompatible' });
    }
    await (await connectNatsBus(options)).close();
  });

  it('gives up on a server that is not there, naming it without its credentials', async () => {
    const port = await freePort();
    const attempt = connectNatsBus({ ...freshOptions(`nats://ada:hunter2@127.0.0.1:${port}`), timeoutMs: 400 });
    await expect(attempt).rejects.toMatchObject({ code: 'bus_unreachable', message: expect.stringContaining(`nats://127.0.0.1:${port}`) });
    await expect(attempt).rejects.toMatchObject({ message: expect.not.stringContaining('hunter2') });
  });

  it('waits for a server that is still starting', async () => {
    const port = await freePort();
    const connecting = connectNatsBus({ ...freshOptions(`nats://127.0.0.1:${port}`), timeoutMs: 10_000 });
    const refusal = expect(connecting).rejects.toMatchObject({ code: 'bus_incompatible', message: expect.stringContaining('JetStream') });
    children.push(spawn((await findServer(process.env['PATH'])).path, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' }));
    await refusal;
  });

  it('gives its credentials, and tells when they are refused', async () => {
    const port = await plainServer('--user', 'ada', '--pass', 'hunter2');
    const url = `nats://127.0.0.1:${port}`;
    // Let in, and refused only for lack of JetStream.
    await expect(connectNatsBus({ ...freshOptions(url), user: 'ada', pass: 'hunter2' })).rejects.toMatchObject({ code: 'bus_incompatible' });
    await expect(connectNatsBus(freshOptions(`nats://ada:hunter2@127.0.0.1:${port}`))).rejects.toMatchObject({ code: 'bus_incompatible' });
    await expect(connectNatsBus({ ...freshOptions(url), user: 'ada', pass: 'wrong' })).rejects.toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining('credentials') });
  });

  /** A door to the server. Of the connections that come, from the first on, `take` says what happens to them. */
  async function door(take: (client: Socket, number: number) => 'through' | 'nowhere'): Promise<string> {
    let count = 0;
    const { port, hostname } = new URL(inject('natsUrl'));
    const listener = createServer((client) => {
      client.on('error', () => client.destroy());
      if (take(client, count++) === 'nowhere') return;
      const server = connectTo(Number(port), hostname).on('error', () => client.destroy());
      client.pipe(server).pipe(client);
      client.on('close', () => server.destroy());
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    doors.push(listener);
    return `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }

  it('passes over a server that lets it in and never answers, and tells', async () => {
    const url = await door((_client, number) => (number === 0 ? 'nowhere' : 'through'));
    const failures: ShoalError[] = [];
    const bus = await connectNatsBus({ ...freshOptions(url), onRetry: (error) => void failures.push(error) });
    expect(failures.map(({ code }) => code)).toEqual(['bus_unreachable']);
    await bus.close();
  });

  it('passes over such a server at a reconnect, too', async () => {
    const taken: Socket[] = [];
    const url = await door((client, number) => {
      taken.push(client);
      return number === 1 ? 'nowhere' : 'through';
    });
    const bus = await connectNatsBus(freshOptions(url));
    taken[0]?.destroy();
    // Without a bound of its own the second connection would have all the time that the first one had.
    await expect.poll(() => taken.length > 2 && bus.connected(), { timeout: 12_000 }).toBe(true);
    expect(await bus.registry.create('embedding.1', new Uint8Array(1))).toBeGreaterThan(0);
    await bus.close();
  });

  it('begins again at once when the connection is lost while log and registry are prepared', async () => {
    const cutAt = ['$JS.API.INFO', '$JS.API.STREAM.CREATE.', 'OBJ_', '$JS.API.CONSUMER.CREATE.'];
    const url = await door((client) => {
      client.on('data', (bytes) => {
        if (cutAt[0] === undefined || !bytes.includes(cutAt[0])) return;
        cutAt.shift();
        client.destroy();
      });
      return 'through';
    });
    const failures: ShoalError[] = [];
    const bus = await connectNatsBus({ ...freshOptions(url), onRetry: (error) => void failures.push(error) });
    expect(cutAt).toEqual([]);
    expect(failures.length).toBeGreaterThanOrEqual(4);
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['bus_unreachable']));
    await bus.registry.create('embedding.1', new Uint8Array(1));
    await bus.close();
  });

  it('gives up at its deadline, or when it is told to, on a server that never answers', async () => {
    const url = await door(() => 'nowhere');
    await expect(connectNatsBus({ ...freshOptions(url), timeoutMs: 300 })).rejects.toMatchObject({ code: 'bus_unreachable' });
    const controller = new AbortController();
    const attempt = expect(connectNatsBus({ ...freshOptions(url), timeoutMs: 60_000, signal: controller.signal })).rejects.toBe('told to');
    controller.abort('told to');
    await attempt;
  });

  it('hands on messages that something else wrote into the log, as bytes', async () => {
    const options = freshOptions(inject('natsUrl'));
    const bus = await connectNatsBus(options);
    const stranger = await connect({ servers: inject('natsUrl') });
    await stranger.request(`${options.namespace}.shoal.mut.1.not-a-code.x.y`, 'garbage');
    await stranger.request(`${options.namespace}.shoal.mut.1.7.3`, new Uint8Array(0));
    const messages = await readMessages(bus.log, 1, { count: 2 });
    expect(messages.map((message) => [message.subject, textOf(message)])).toEqual([['shoal.mut.1.not-a-code.x.y', 'garbage'], ['shoal.mut.1.7.3', '']]);
    await stranger.close();
    await bus.close();
  });

  it('keeps clusters on one server apart by namespace', async () => {
    const [one, two] = await Promise.all([connectNatsBus(freshOptions(inject('natsUrl'))), connectNatsBus(freshOptions(inject('natsUrl')))]);
    await one.registry.create('embedding.1', new Uint8Array(1));
    await one.requests.serve('shoal.q.1', async (payload) => payload);
    expect(await two.registry.get('embedding.1')).toBeUndefined();
    await expect(two.requests.request('shoal.q.1', new Uint8Array(1), { timeoutMs: 5_000 })).rejects.toMatchObject({ code: 'slot_unavailable' });
    await Promise.all([one.close(), two.close()]);
  });
});
