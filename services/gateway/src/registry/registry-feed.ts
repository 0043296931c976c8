import type { Registry, RegistryChange } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import type { Logger } from 'pino';
import { GATEWAY_LIMITS } from '../limits.ts';

export interface RegistryFeedOptions {
  readonly registry: Registry;
  readonly prefix: string;
  /** A change, or an entry as it is now. What it throws is logged, and the entry left out. */
  readonly onChange: (change: RegistryChange) => void;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * Follows everything under a prefix of the registry for as long as the gateway runs.
 *
 * Invariant: an entry that disappeared while the watch was broken is reported as deleted once the watch stands again.
 */
export class RegistryFeed {
  readonly #options: RegistryFeedOptions;
  readonly #stop = new AbortController();
  readonly #known = new Set<string>();
  #loaded = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: RegistryFeedOptions) {
    this.#options = options;
  }

  /** Whether the state at the start is known. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Resolves when the present state is known, or after a bounded wait. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(GATEWAY_LIMITS.catalogueLoadTimeoutMs, resolve);
      this.#watching = this.#watch(() => {
        this.#loaded = true;
        cancel();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(onLoaded: () => void): Promise<void> {
    const { registry, prefix, timers, logger } = this.#options;
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted) {
      const missing = new Set(this.#known);
      try {
        await registry.watch(prefix, {
          onChange: (change) => {
            missing.delete(change.key);
            this.#apply(change);
          },
          onReady: () => {
            for (const key of missing) this.#apply({ key, revision: Number.MAX_SAFE_INTEGER });
            onLoaded();
          },
          signal,
        });
        // Some registries return once the watch stands, others when it ends: either way it stands until the signal.
        await stopped;
      } catch (error) {
        logger.warn({ err: error, prefix }, 'a watch on the registry failed; it is set up again');
        await pause(timers, GATEWAY_LIMITS.registryTimeoutMs, signal);
      }
    }
  }

  #apply(change: RegistryChange): void {
    if (change.value === undefined) this.#known.delete(change.key);
    else this.#known.add(change.key);
    try {
      this.#options.onChange(change);
    } catch (error) {
      this.#options.logger.error({ err: error, key: change.key }, 'an entry of the registry cannot be read; it is left out');
    }
  }
}
