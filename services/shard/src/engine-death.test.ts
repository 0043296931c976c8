import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { openEmbeddedBus } from '@shoal/bus';
import { EngineFailedError } from '@shoal/index';
import { parseShardId, type Slot } from '@shoal/protocol';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startShard } from './shard.ts';
import { systemTimers } from '@shoal/pacing';

it.each([['writer', 0], ['search', 1]])('a shard tells its process when the %s thread of its engine died', async (_, thread) => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-engine-death-'));
  const bus = await openEmbeddedBus({ directory: join(directory, 'log'), slots: 1, durability: 'os' });
  const workers: Worker[] = [];
  const note = (worker: Worker): void => { workers.push(worker); };
  process.on('worker', note);
  const shard = await startShard(
    { shard: parseShardId('s'), ownedSlots: [0 as Slot], slots: 1, directory, engineMemoryMaxBytes: 32 * 2 ** 20, searchThreadCount: 1 },
    { bus, logger: pino({ level: 'silent' }), timers: systemTimers, nowMs: Date.now, version: '0' },
  );
  await shard.ready(AbortSignal.timeout(30_000));
  process.off('worker', note);
  expect(workers.length).toBe(2);
  await workers[thread]?.terminate();
  expect(await shard.failed).toBeInstanceOf(EngineFailedError);
  await shard.close();
  await bus.close();
  await rm(directory, { recursive: true });
});
