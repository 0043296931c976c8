/** Imports of an embedded node, run in this process: what BullMQ and Redis are to a cluster. */
import type { Timers } from '@shoal/pacing';
import type { ImportId } from '@shoal/protocol';
import type { Logger } from 'pino';
import { JOB_LIMITS } from '../limits.ts';
import type { ImportQueue } from './import-records.ts';
import { StepDelayed, backoffMs, type ImportRunner, type RunName } from './import-runner.ts';

export interface LocalImportsDependencies {
  readonly runner: ImportRunner;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * Invariants:
 * 1. What is queued or running is in the records, so a process that starts again goes on where the last one ended.
 * 2. At most JOB_LIMITS.localImports go on at one time; chunks of one import one after the other.
 */
export class LocalImports implements ImportQueue {
  readonly #dependencies: LocalImportsDependencies;
  readonly #waiting: RunName[] = [];
  readonly #going = new Set<Promise<void>>();
  readonly #closed = new AbortController();

  constructor(dependencies: LocalImportsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes up what an earlier process left. */
  async start(): Promise<void> {
    for (const { record, progress } of await this.#dependencies.runner.records.active()) await this.enqueue(record.id, progress.run);
  }

  enqueue(id: ImportId, run: number): Promise<void> {
    this.#waiting.push({ id, run });
    this.#fill();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#going);
  }

  #fill(): void {
    while (!this.#closed.signal.aborted && this.#going.size < JOB_LIMITS.localImports) {
      const name = this.#waiting.shift();
      if (name === undefined) return;
      const going: Promise<void> = this.#run(name)
        .catch((error: unknown) => {
          if (!this.#closed.signal.aborted) this.#dependencies.logger.error({ err: error, import: name.id }, 'an import ended unexpectedly');
        })
        .finally(() => {
          this.#going.delete(going);
          this.#fill();
        });
      this.#going.add(going);
    }
  }

  async #run(name: RunName): Promise<void> {
    const { runner } = this.#dependencies;
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const step = await runner.next(name);
      switch (step.type) {
        case 'over':
          return;
        case 'plan':
          await this.#patiently((attempt) => runner.plan(name, attempt, signal));
          break;
        case 'chunks':
          for (const chunk of step.chunks) {
            if (signal.aborted) return;
            await this.#patiently((attempt) => runner.chunk(name, chunk, attempt, signal));
          }
      }
    }
  }

  async #patiently(work: (attempt: number) => Promise<void>): Promise<void> {
    for (let attempt = 1; !this.#closed.signal.aborted; attempt += 1) {
      try {
        return await work(attempt);
      } catch (error) {
        if (!(error instanceof StepDelayed)) throw error;
      }
      await this.#pause(backoffMs(attempt));
    }
  }

  async #pause(durationMs: number): Promise<void> {
    const { signal } = this.#closed;
    const over = Promise.withResolvers<void>();
    const cancel = this.#dependencies.timers.after(durationMs, over.resolve);
    signal.addEventListener('abort', () => over.resolve(), { once: true });
    await over.promise;
    cancel();
  }
}
