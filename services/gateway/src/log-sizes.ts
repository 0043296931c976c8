import type { LogSize, MutationLog } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import type { Logger } from 'pino';
import { GATEWAY_LIMITS } from './limits.ts';

export interface LogSizesDependencies {
  readonly log: Pick<MutationLog, 'sizes'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Asks regularly how large the log is, so that a scrape need not. Between its start and its end it knows what it heard last. */
export class LogSizes {
  readonly #dependencies: LogSizesDependencies;
  readonly #stop = new AbortController();
  readonly #stopped = Promise.withResolvers<undefined>();
  #known: readonly LogSize[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(dependencies: LogSizesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Empty before the first answer. */
  known(): readonly LogSize[] {
    return this.#known;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    // A broker that is away answers late; nobody waits for that.
    this.#stopped.resolve(undefined);
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { log, timers, logger } = this.#dependencies;
    while (!this.#stop.signal.aborted) {
      try {
        this.#known = (await Promise.race([log.sizes(), this.#stopped.promise])) ?? this.#known;
      } catch (error) {
        if (!this.#stop.signal.aborted) logger.debug({ err: error }, 'the size of the log cannot be read now');
      }
      await pause(timers, GATEWAY_LIMITS.logSizeIntervalMs, this.#stop.signal);
    }
  }
}
