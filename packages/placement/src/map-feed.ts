import type { Registry, RegistryChange } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import { PLACEMENT_KEYS, decodePlacementMap, type PlacementMap } from '@shoal/protocol';
import type { Logger } from 'pino';
import { PLACEMENT_LIMITS } from './limits.ts';

export interface MapFeedOptions {
  readonly registry: Registry;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Called with every map that is newer than the last. Must not throw. */
  readonly onMap?: (map: PlacementMap) => void;
}

/** Follows the map for as long as the process runs. */
export class MapFeed {
  readonly #options: MapFeedOptions;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #map: PlacementMap | undefined;

  constructor(options: MapFeedOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** The newest map that was heard of; undefined where shards have their slots from their settings. */
  get map(): PlacementMap | undefined {
    return this.#map;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { registry, timers, logger } = this.#options;
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted) {
      try {
        await registry.watch(PLACEMENT_KEYS.mapPrefix, { onChange: (change) => this.#hear(change), onReady: () => undefined, signal });
        // Some registries return once the watch stands, others when it ends: either way it stands until the signal.
        await stopped;
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error }, 'the watch on the map of slots failed; it is set up again');
        await pause(timers, PLACEMENT_LIMITS.rewatchMs, signal);
      }
    }
  }

  #hear({ key, value }: RegistryChange): void {
    if (key !== PLACEMENT_KEYS.map || value === undefined || this.#stop.signal.aborted) return;
    try {
      const map = decodePlacementMap(value);
      if (this.#map !== undefined && map.epoch <= this.#map.epoch) return;
      this.#map = map;
      this.#options.onMap?.(map);
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the map of slots cannot be read; the one before it stays in force');
    }
  }
}
