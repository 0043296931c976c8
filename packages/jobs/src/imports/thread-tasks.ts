/** Threads that do the work of imports: reading and checking files would hold up the loop that renews locks and serves requests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import type { ImportTask, TaskResult } from './import-task.ts';

/** Where the work of imports is done. */
export interface ImportTasks {
  /** Rejects only when the signal ends it. */
  run(task: ImportTask, signal: AbortSignal): Promise<TaskResult>;
  close(): Promise<void>;
}

export interface ThreadTasksOptions {
  readonly threadCount: number;
}

const IDLE_MS = 30_000;

/** Threads are there while there is work. Files that must be read as a whole are kept in a directory that goes with the threads. */
export async function startThreadTasks({ threadCount }: ThreadTasksOptions): Promise<ImportTasks> {
  const spoolDirectory = await mkdtemp(join(tmpdir(), 'shoal-imports-'));
  const pool = new Piscina<ImportTask, TaskResult>({
    filename: new URL('./import-thread.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: threadCount,
    idleTimeout: IDLE_MS,
    // Nothing of the environment, which holds keys, is for code that reads files of strangers; temporary files go where they are found again.
    env: { TMPDIR: spoolDirectory },
  });
  return {
    run: (task, signal) => pool.run(task, { signal }),
    async close() {
      await pool.destroy();
      await rm(spoolDirectory, { recursive: true, force: true });
    },
  };
}
