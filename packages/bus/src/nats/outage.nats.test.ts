import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { entry, readMessages, slot, textOf } from '../conformance/log-fixtures.ts';
import type { LogMessage } from '../mutation-log.ts';
import type { NatsServer } from '../nats-server/nats-server.ts';
import { connectNatsBus } from './connect-nats-bus.ts';
import { freshOptions, startOwnServer } from '../testing/nats-fixture.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('nats bus through outages of the server', () => {
  let server: NatsServer;
  let bus: Bus;
  beforeEach(async () => {
    server = await startOwnServer(process.env['PATH']);
    bus = await connectNatsBus(freshOptions(server.url));
  });
  afterEach(async () => {
    await bus.close();
    await server.close();
  });

  const restart = async (signal: NodeJS.Signals): Promise<void> => {
    await server.stop(signal);
    await sleep(100);
    await server.start();
  };

  it.each([
    { calls: 'of up to nine entries', entryCountOf: (name: number, round: number) => 1 + ((name + round) % 9) },
    { calls: 'of one entry', entryCountOf: () => 1 },
  ])('loses, repeats and reorders nothing when the server is killed under readers and publishers with calls $calls', async ({ entryCountOf }) => {
    const controller = new AbortController();
    const read: LogMessage[][] = [[], []];
    const readers = read.map(async (messages, index) => {
      for await (const group of bus.log.read({ slot: slot(index), from: 1 as never, signal: controller.signal, maxMessages: 64, maxBytes: 65_536 })) messages.push(...group);
    });
    const acknowledged: Map<number, string>[] = [new Map(), new Map()];
    let running = true;
    const publisher = async (name: number): Promise<number> => {
      for (let round = 0; ; round++) {
        if (!running) return round;
        const entries = Array.from({ length: entryCountOf(name, round) }, (_, index) => entry((name + index) % 2, `${name}:${round}:${index}`));
        const sequences = await bus.log.publish(entries, { timeoutMs: 30_000 });
        entries.forEach((each, index) => acknowledged[each.address.slot]?.set(sequences[index] ?? 0, new TextDecoder().decode(each.bytes)));
      }
    };
    const publishers = Array.from({ length: 12 }, (_, name) => publisher(name));
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      await sleep(400);
      await restart(signal);
    }
    await sleep(300);
    running = false;
    const rounds = await Promise.all(publishers);
    expect(Math.min(...rounds)).toBeGreaterThan(3);
    for (const [index, bySequence] of acknowledged.entries()) {
      const last = await bus.log.lastSequence(slot(index));
      while ((read[index]?.at(-1)?.sequence ?? 0) < last) await sleep(10);
      const messages = read[index] ?? [];
      // The oracle: what was acknowledged is what is stored, under the sequences that were acknowledged.
      expect(messages.map((message) => [message.sequence, textOf(message)])).toEqual([...bySequence].sort(([a], [b]) => a - b));
      expect(new Set(messages.map(textOf)).size).toBe(messages.length);
      expect((await readMessages(bus.log, index, { count: messages.length, maxMessages: 1_000 })).map(textOf)).toEqual(messages.map(textOf));
    }
    controller.abort();
    await Promise.all(readers);
  });

  it('tells that it is down, fails fast or in time, and comes back with its servers and watches', async () => {
    await bus.requests.serve('shoal.q.1', async (payload) => payload);
    const seen: string[] = [];
    const controller = new AbortController();
    await bus.registry.watch('embedding', { onChange: ({ key, value }) => void seen.push(`${key} ${value === undefined}`), onReady: () => void seen.push('ready'), signal: controller.signal });
    await bus.registry.create('embedding.1', utf8('a'));
    const waiting = Promise.withResolvers<Uint8Array>();
    await bus.requests.serve('shoal.q.2', () => waiting.promise);
    const openRequest = bus.requests.request('shoal.q.2', utf8('x'), { timeoutMs: 60_000 });
    const openFailure = expect(openRequest).rejects.toMatchObject({ code: 'bus_unreachable' });
    await sleep(50);
    await server.stop('SIGKILL');
    await openFailure;
    expect(bus.connected()).toBe(false);
    await expect(bus.requests.request('shoal.q.1', utf8('x'), { timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'bus_unreachable' });
    await expect(bus.log.publish([entry(0, 'too late')], { timeoutMs: 200 })).rejects.toMatchObject({ code: 'log_unavailable' });
    const inTime = bus.log.publish([entry(0, 'in time')], { timeoutMs: 20_000 });
    await server.start();
    const [sequence] = await inTime;
    expect(bus.connected()).toBe(true);
    expect((await readMessages(bus.log, 0, { count: 1 })).map((message) => [message.sequence, textOf(message)])).toEqual([[sequence, 'in time']]);
    expect(await bus.requests.request('shoal.q.1', utf8('again'), { timeoutMs: 5_000 })).toEqual(utf8('again'));
    await bus.registry.create('embedding.2', utf8('b'));
    while (!seen.includes('embedding.2 false')) await sleep(5);
    expect(seen).toEqual(['ready', 'embedding.1 false', 'embedding.2 false']);
    controller.abort();
    waiting.resolve(utf8('nobody waits'));
  });

  it('stops a reader whose log was lost, rather than skipping what is written anew', async () => {
    const options = { ...freshOptions(server.url), namespace: 'lost' };
    const first = await connectNatsBus(options);
    await first.log.publish([entry(0, 'a'), entry(0, 'b'), entry(0, 'c')], { timeoutMs: 5_000 });
    const reading = readMessages(first.log, 0, { count: 100 });
    const failure = expect(reading).rejects.toMatchObject({ code: 'log_incompatible' });
    await sleep(50);
    await server.stop();
    await rm(join(server.directory, 'jetstream'), { recursive: true });
    await server.start();
    const second = await connectNatsBus(options);
    await second.log.publish([entry(0, 'new')], { timeoutMs: 5_000 });
    await failure;
    await first.close();
    await second.close();
  });

  it('closes while the server is down', async () => {
    await server.stop('SIGKILL');
    const unfinished = expect(bus.log.publish([entry(0, 'x')], { timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'not_ready' });
    await bus.close();
    await unfinished;
  });
});
