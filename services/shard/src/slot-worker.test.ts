import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus, type RequestHandler } from '@shoal/bus';
import { Engine } from '@shoal/index';
import { decodeQueryResponse, encodeMutation, encodeQueryRequest, parseEmbeddingCode, parseOperationId, parsePartition, parseShardId, type Sequence, type Slot } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OneAtATime } from './one-at-a-time.ts';
import { SlotSnapshots } from './slot-snapshots.ts';
import { SlotWorker } from './slot-worker.ts';
import { PeerProgress } from './peer-progress.ts';
import { systemTimers } from '@shoal/pacing';

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

/** Publishes messages that mean nothing to a shard but are messages all the same. */
async function publish(log: Bus['log'], count: number, firstId: number): Promise<void> {
  const [code, partition] = [parseEmbeddingCode(1), parsePartition(0)];
  for (let number = firstId; number < firstId + count; number += 1) {
    const operationId = parseOperationId(number.toString(16).padStart(32, '0'));
    await log.publish([{ address: { slot, code, partition }, operationId, bytes: encodeMutation({ type: 'drop', operationId, code, partition }) }], { timeoutMs: 5_000 });
  }
}

function snapshotsOn(on: Bus): SlotSnapshots {
  return new SlotSnapshots({ slot, shard: parseShardId('s1'), bus: on, store, timers: systemTimers, logger: pino({ level: 'silent' }), logBytes: 1e9, turns: new OneAtATime() });
}

/** Runs a worker until it serves or fails for the first time; tells which, and what it had applied. */
async function firstFate(on: Bus): Promise<{ readonly fate: string; readonly applied: number }> {
  const fate = Promise.withResolvers<string>();
  const logger = pino({ level: 'error' }, { write: (line) => fate.resolve((JSON.parse(line) as { err: { code: string } }).err.code) });
  const worker: SlotWorker = new SlotWorker({
    slot, slots: 1, shard: parseShardId('s1'), peers: new PeerProgress(parseShardId('s1'), Date.now), store, engine, nowMs: Date.now, timers: systemTimers, bus: on, logger, snapshots: snapshotsOn(on), onStoreFailure: () => undefined,
    onChange: () => {
      if (worker.status().ready) fate.resolve('served');
    },
  });
  const stop = new AbortController();
  const running = worker.run(stop.signal);
  const result = { fate: await fate.promise, applied: worker.status().appliedSequence };
  stop.abort();
  await running;
  return result;
}

describe('SlotWorker', () => {
  it('goes on with the log that it applied, and refuses another that is as long or longer', async () => {
    await publish(bus.log, 3, 1);
    expect(await firstFate(bus)).toEqual({ fate: 'served', applied: 3 });
    await publish(bus.log, 1, 4);
    expect(await firstFate(bus)).toEqual({ fate: 'served', applied: 4 });
    const other = await openEmbeddedBus({ directory: join(directory, 'other-log'), slots: 1, durability: 'os' });
    for (const count of [1, 3, 2]) {
      await publish(other.log, count, 100 * count);
      expect((await firstFate(other)).fate).toBe('log_incompatible');
    }
    await other.close();
  });

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
    const worker = new SlotWorker({ slot, slots: 1, shard: parseShardId('s1'), peers: new PeerProgress(parseShardId('s1'), Date.now), store, engine, nowMs: Date.now, timers: systemTimers, bus: patientBus, logger: pino({ level: 'silent' }), snapshots: snapshotsOn(bus), onStoreFailure: () => undefined, onChange: () => undefined });
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
