import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus, type RequestHandler } from '@shoal/bus';
import { Engine } from '@shoal/index';
import { decodeQueryResponse, encodeQueryRequest, type Sequence, type Slot } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SlotWorker } from './slot-worker.ts';
import { systemTimers } from './system-timers.ts';

const slot = 0 as Slot;

let directory: string;
let bus: Bus;
let store: ShardStore;
let engine: Engine;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-slot-worker-'));
  bus = await openEmbeddedBus({ directory: join(directory, 'log'), slots: 1, durability: 'os' });
  store = await ShardStore.open({ directory: join(directory, 'store'), slots: 1 });
  engine = await Engine.start({ memoryMaxBytes: 32 * 2 ** 20, searchThreadCount: 1 });
});
afterEach(async () => {
  await engine.close();
  await store.close();
  await bus.close();
  await rm(directory, { recursive: true });
});

describe('SlotWorker', () => {
  it('sends those away who wait for a sequence when it closes, instead of waiting with them', async () => {
    const served = Promise.withResolvers<RequestHandler>();
    const underWay: Promise<Uint8Array>[] = [];
    const patientBus: Bus = {
      ...bus,
      requests: {
        ...bus.requests,
        serve: (_subject, handler) => {
          served.resolve(handler);
          // As the port says: requests under way are answered before the server is closed, however long that takes.
          return Promise.resolve({ close: () => Promise.all(underWay).then(() => undefined) });
        },
      },
    };
    const worker = new SlotWorker({ slot, slots: 1, store, engine, timers: systemTimers, bus: patientBus, logger: pino({ level: 'silent' }), onChange: () => undefined });
    const stop = new AbortController();
    const running = worker.run(stop.signal);
    const handler = await served.promise;
    const waiting = handler(encodeQueryRequest({ type: 'await-applied', items: [{ sequence: 99 as Sequence, timeoutMs: 60_000 }] }));
    underWay.push(waiting);
    stop.abort();
    await running;
    expect(decodeQueryResponse(await waiting)).toMatchObject({ items: [{ ok: false, error: 'slot_unavailable' }] });
  });
});
