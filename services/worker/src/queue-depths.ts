import type { BullWorkers, QueueDepth } from '@shoal/jobs';
import { pause, type Timers } from '@shoal/pacing';
import type { MetricFamily } from '@shoal/telemetry';
import type { Logger } from 'pino';

export interface QueueDepthsDependencies {
  readonly workers: Pick<BullWorkers, 'depths'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

const INTERVAL_MS = 5_000;

/** Asks Redis regularly how many jobs wait, so that a scrape need not. */
export class QueueDepths {
  readonly #dependencies: QueueDepthsDependencies;
  readonly #stop = new AbortController();
  readonly #stopped = Promise.withResolvers<undefined>();
  readonly #loop: Promise<void>;
  #known: readonly QueueDepth[] = [];

  constructor(dependencies: QueueDepthsDependencies) {
    this.#dependencies = dependencies;
    this.#loop = this.#run();
  }

  families(): readonly MetricFamily[] {
    const points = this.#known.map(({ queue, state, jobs }) => ({ attributes: { 'shoal.queue': queue, 'shoal.queue.state': state }, value: jobs }));
    return [{ type: 'gauge', name: 'shoal.queue.jobs', unit: '{job}', description: 'Jobs in the queues of Redis that are not over. Every worker tells the same.', points }];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    // Redis may be away for long; nobody waits for that.
    this.#stopped.resolve(undefined);
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { workers, timers, logger } = this.#dependencies;
    while (!this.#stop.signal.aborted) {
      try {
        this.#known = (await Promise.race([workers.depths(), this.#stopped.promise])) ?? this.#known;
      } catch (error) {
        if (!this.#stop.signal.aborted) logger.debug({ err: error }, 'the queues cannot be counted now');
      }
      await pause(timers, INTERVAL_MS, this.#stop.signal);
    }
  }
}
