/** Threads that do the work of imports: reading and checking files would hold up the loop that renews locks and serves requests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { JOB_LIMITS } from '../limits.ts';
import { sweepSpool } from '../sources/shared-spool.ts';
import { faultOf, type ImportTask, type TaskResult } from './import-task.ts';

/** Where the work of imports is done. */
export interface ImportTasks {
  /** Rejects only when the signal ends it. */
  run(task: ImportTask, signal: AbortSignal): Promise<TaskResult>;
  close(): Promise<void>;
}

/** What the threads hold together; the memory of the process tells its main thread's alone, but for what is in RAM. */
export interface ThreadMemory {
  readonly threadCount: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Outside the heaps, array buffers included. */
  readonly externalBytes: number;
}

export interface ThreadTasks extends ImportTasks {
  memory(): Promise<ThreadMemory>;
}

export interface ThreadTasksOptions {
  readonly threadCount: number;
}

const IDLE_MS = 30_000;

/** Threads are there while there is work. Files that must be read as a whole are kept in a directory that goes with the threads. */
export async function startThreadTasks({ threadCount }: ThreadTasksOptions): Promise<ThreadTasks> {
  const spoolDirectory = await mkdtemp(join(tmpdir(), 'shoal-imports-'));
  const pool = new Piscina<ImportTask, TaskResult>({
    filename: new URL('./import-thread.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: threadCount,
    idleTimeout: IDLE_MS,
    resourceLimits: { maxYoungGenerationSizeMb: JOB_LIMITS.threadYoungHeapMb, maxOldGenerationSizeMb: JOB_LIMITS.threadHeapMb },
    // Nothing of the environment, which holds keys, is for code that reads files of strangers; temporary files go where they are found again.
    env: { TMPDIR: spoolDirectory },
  });
  // A file that cannot be removed now is looked at again.
  const sweeping = setInterval(() => void sweepSpool(spoolDirectory, Date.now()).catch(() => undefined), JOB_LIMITS.spoolSweepMs);
  return {
    async run(task, signal) {
      try {
        return await pool.run(task, { signal });
      } catch (error) {
        signal.throwIfAborted();
        // The thread has ended, as when a chunk was more than its memory could hold.
        return { type: 'failed', fault: faultOf(error) };
      }
    },
    async memory() {
      // A thread that has ended meanwhile holds nothing.
      const heaps = (await Promise.allSettled(pool.threads.map((thread) => thread.getHeapStatistics()))).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const sum = (part: 'used_heap_size' | 'total_heap_size' | 'external_memory'): number => heaps.reduce((total, heap) => total + heap[part], 0);
      return { threadCount: heaps.length, heapUsedBytes: sum('used_heap_size'), heapTotalBytes: sum('total_heap_size'), externalBytes: sum('external_memory') };
    },
    async close() {
      clearInterval(sweeping);
      await pool.destroy();
      await rm(spoolDirectory, { recursive: true, force: true });
    },
  };
}
