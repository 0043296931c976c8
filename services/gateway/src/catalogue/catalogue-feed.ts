import type { Registry, RegistryChange } from '@shoal/bus';
import { parseEmbeddingCode } from '@shoal/protocol';
import type { Logger } from 'pino';
import { pause, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import { EMBEDDING_PREFIX } from './keys.ts';
import type { EmbeddingLifecycle } from './lifecycle.ts';
import { decodeRecord } from './records.ts';

export interface CatalogueFeedDependencies {
  readonly registry: Registry;
  readonly cache: EmbeddingCache;
  readonly lifecycle: EmbeddingLifecycle;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * Keeps the cache equal to the registry, and finishes what other gateways left unfinished: a registration or drop that
 * stood in the same revision for a whole sweep period has lost its gateway.
 */
export class CatalogueFeed {
  readonly #dependencies: CatalogueFeedDependencies;
  readonly #stop = new AbortController();
  #loaded = false;
  #watching: Promise<void> = Promise.resolve();
  #sweeping: Promise<void> = Promise.resolve();
  #cancelSweep: () => void = () => undefined;
  #suspects = new Map<number, number>();

  constructor(dependencies: CatalogueFeedDependencies) {
    this.#dependencies = dependencies;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** Resolves when the present state is known, or after a bounded wait. */
  start(): Promise<void> {
    const { timers } = this.#dependencies;
    return new Promise((resolve) => {
      const cancel = timers.after(GATEWAY_LIMITS.catalogueLoadTimeoutMs, resolve);
      this.#watching = this.#watch(() => {
        this.#loaded = true;
        cancel();
        resolve();
      });
      this.#planSweep();
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelSweep();
    await Promise.all([this.#watching, this.#sweeping]);
  }

  async #watch(onReady: () => void): Promise<void> {
    const { registry, timers, logger } = this.#dependencies;
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted) {
      try {
        await registry.watch(EMBEDDING_PREFIX, { onChange: (change) => this.#apply(change), onReady, signal });
        // Some registries return once the watch stands, others when it ends: either way it stands until the signal.
        await stopped;
      } catch (error) {
        logger.warn({ err: error }, 'the watch on the catalogue failed; it is set up again');
        await Promise.race([pause(timers, GATEWAY_LIMITS.registryTimeoutMs), stopped]);
      }
    }
  }

  #apply(change: RegistryChange): void {
    const { cache, logger } = this.#dependencies;
    try {
      if (change.value === undefined) {
        cache.forget(parseEmbeddingCode(Number(change.key.slice(EMBEDDING_PREFIX.length + 1))));
        return;
      }
      cache.apply(decodeRecord(change.key, change.value), change.revision);
    } catch (error) {
      logger.error({ err: error, key: change.key }, 'an entry of the catalogue cannot be read; it is left out');
    }
  }

  #planSweep(): void {
    if (this.#stop.signal.aborted) return;
    this.#cancelSweep = this.#dependencies.timers.after(GATEWAY_LIMITS.unfinishedSweepMs, () => {
      this.#sweeping = this.#sweep().finally(() => this.#planSweep());
    });
  }

  async #sweep(): Promise<void> {
    const { cache, lifecycle, logger } = this.#dependencies;
    const suspects = new Map<number, number>();
    for (const { record, revision } of cache.unfinished()) {
      if (this.#stop.signal.aborted) return;
      const { code } = record.spec;
      if (this.#suspects.get(code) !== revision) {
        suspects.set(code, revision);
        continue;
      }
      try {
        await lifecycle.finish(record, revision);
        logger.info({ code, state: record.state }, 'finished what another gateway had begun');
      } catch (error) {
        suspects.set(code, revision);
        logger.warn({ err: error, code, state: record.state }, 'an unfinished registration or drop could not be finished yet');
      }
    }
    this.#suspects = suspects;
  }
}
