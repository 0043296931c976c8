import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus, type Registry } from '@shoal/bus';
import { systemTimers } from '@shoal/pacing';
import { startUntil } from '@shoal/process';
import { PLACEMENT_KEYS, ShoalError, decodeMemberLease, parseShardId, type ErrorCode } from '@shoal/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPlacedShard } from './placed-shard.ts';
import type { Shard } from './shard.ts';

const SHARD = parseShardId('s');

let directory: string;
let bus: Bus;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-placed-start-'));
  bus = await openEmbeddedBus({ directory: join(directory, 'log'), slots: 1, durability: 'os' });
});
afterEach(async () => {
  await bus.close();
  await rm(directory, { recursive: true });
});

/** The bus, whose registry fails with these codes, one attempt to take the lease each. */
function failing(codes: ErrorCode[]): Bus {
  const { registry } = bus;
  const faulty: Registry = {
    create: (key, value) => {
      const code = key === PLACEMENT_KEYS.member(SHARD) ? codes.shift() : undefined;
      return code === undefined ? registry.create(key, value) : Promise.reject(new ShoalError(code, 'It failed.'));
    },
    get: (key) => registry.get(key),
    update: (key, value, revision) => registry.update(key, value, revision),
    delete: (key, revision) => registry.delete(key, revision),
    list: (prefix, limit) => registry.list(prefix, limit),
    watch: (prefix, options) => registry.watch(prefix, options),
    close: () => registry.close(),
  };
  return { ...bus, registry: faulty };
}

function start(faulty: Bus, retried: ErrorCode[]): Promise<Shard> {
  const config = { shard: SHARD, slots: 1, directory: join(directory, 'shard'), engineMemoryMaxBytes: 32 * 2 ** 20, searchThreadCount: 1 };
  const dependencies = { bus: faulty, logger: pino({ level: 'silent' }), timers: systemTimers, nowMs: Date.now, version: '0' };
  const options = { timeoutMs: 60_000, signal: new AbortController().signal, timers: systemTimers, elapsedMs: () => performance.now(), onRetry: ({ code }: ShoalError) => void retried.push(code) };
  return startUntil(options, () => startPlacedShard(config, { capacity: 1, replicas: 1 }, dependencies));
}

describe('the start of a placed shard', () => {
  it('succeeds in the end over a registry that fails at first, each try over the directory that the one before has closed', async () => {
    const retried: ErrorCode[] = [];
    const shard = await start(failing(['bus_unreachable', 'bus_unreachable']), retried);
    expect(retried).toEqual(['bus_unreachable', 'bus_unreachable']);
    const lease = await bus.registry.get(PLACEMENT_KEYS.member(SHARD));
    expect(lease === undefined ? undefined : decodeMemberLease(lease.value).shard).toBe(SHARD);
    await shard.close();
  });

  it('ends at once when what failed will fail again, and leaves the directory to the next process', async () => {
    const retried: ErrorCode[] = [];
    await expect(start(failing(['log_incompatible']), retried)).rejects.toMatchObject({ code: 'log_incompatible' });
    expect(retried).toEqual([]);
    const shard = await start(bus, retried);
    await shard.close();
  });
});
