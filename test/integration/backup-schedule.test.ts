import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listBackups, openPlace } from '@shoal/backup';
import { systemTimers } from '@shoal/pacing';
import { parseWorkerConfig, startWorker, type RunningWorker } from '@shoal/worker';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { startRedis } from '../harness/redis-server.ts';

it('workers take one backup at each scheduled time, go on after a restart of one, and keep as many as they should', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-schedule-'));
  const place = join(directory, 'backups');
  const [redis, node] = await Promise.all([startRedis(), EmbeddedProcess.start()]);
  const jobs: string[] = [];
  const lines = { write: (line: string) => void jobs.push(...[...line.matchAll(/"job":"([^"]+)".*backup taken/g)].map(([, job]) => job ?? '')) };
  const start = (): Promise<RunningWorker> => startWorker(
    parseWorkerConfig({
      SHOAL_REDIS_URL: redis.url, SHOAL_GATEWAY_URL: node.url, SHOAL_WORKER_THREADS: '1', SHOAL_ROOT_KEY: node.rootKey,
      SHOAL_BACKUP_PLACE: place, SHOAL_BACKUP_SCHEDULE: '*/2 * * * * *', SHOAL_BACKUP_KEEP: '2',
    }),
    { clock: { nowMs: Date.now }, timers: systemTimers, logger: pino({ level: 'info' }, lines) },
  );
  const workers = [await start(), await start()];
  try {
    const { handle } = await node.client().register({ model: 'm', dim: 2, distance: 'l2' });
    await handle.upsert([{ key: 'a', values: [1, 2] }]);
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      for (const folder of await readdir(place).catch(() => [])) seen.add(folder);
    };
    await vi.waitFor(async () => {
      await look();
      expect(seen.size).toBeGreaterThanOrEqual(3);
    }, { timeout: 60_000, interval: 100 });
    await workers[0]?.close();
    const before = seen.size;
    await vi.waitFor(async () => {
      await look();
      expect(seen.size).toBeGreaterThan(before);
    }, { timeout: 60_000, interval: 100 });
    // A job is named by its time: two workers took one at each, not one each. A folder is there before its backup is whole.
    await vi.waitFor(() => expect(jobs.length).toBeGreaterThanOrEqual(3), { timeout: 60_000, interval: 100 });
    expect(new Set(jobs).size).toBe(jobs.length);
  } finally {
    for (const worker of workers) await worker.close();
    const kept = await listBackups(openPlace(place), new AbortController().signal);
    await node.close();
    await redis.close();
    await rm(directory, { recursive: true, force: true });
    expect(kept.length).toBeLessThanOrEqual(3);
    expect(kept.length).toBeGreaterThanOrEqual(1);
    expect(kept.at(-1)?.files.length).toBeGreaterThanOrEqual(1);
  }
});
