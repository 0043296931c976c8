/** The map in the registry. Every change is a compare-and-set on what it was made from. */
import type { Registry } from '@shoal/bus';
import { PLACEMENT_KEYS, ShoalError, decodePlacementMap, encodePlacementMap, type PlacementMap } from '@shoal/protocol';
import { PLACEMENT_LIMITS } from './limits.ts';

export interface KnownMap {
  readonly map: PlacementMap;
  readonly revision: number;
}

export class MapStore {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async read(): Promise<KnownMap | undefined> {
    const entry = await this.#registry.get(PLACEMENT_KEYS.map);
    return entry === undefined ? undefined : { map: decodePlacementMap(entry.value), revision: entry.revision };
  }

  /** False when somebody else made the first map. */
  async create(map: PlacementMap): Promise<boolean> {
    return (await this.#registry.create(PLACEMENT_KEYS.map, encodePlacementMap(map))) !== undefined;
  }

  /** False when the map changed since it was read. */
  async replace(known: KnownMap, next: PlacementMap): Promise<boolean> {
    return (await this.#registry.update(PLACEMENT_KEYS.map, encodePlacementMap(next), known.revision)) !== undefined;
  }

  /**
   * Changes the map by what `change` makes of it, again when it changed meanwhile; the epoch grows by one. `change` returns the same
   * map when there is nothing to do. Rejects with `placement_static` when there is no map.
   */
  async edit(change: (map: PlacementMap) => PlacementMap): Promise<PlacementMap> {
    for (let attempt = 0; attempt < PLACEMENT_LIMITS.editAttempts; attempt += 1) {
      const known = await this.read();
      if (known === undefined) {
        throw new ShoalError('placement_static', 'No map of slots and shards exists: the slots of every shard are given by its settings. Start shards without SHOAL_SHARD_SLOTS to have them placed.');
      }
      const changed = change(known.map);
      if (changed === known.map) return changed;
      const next = { ...changed, epoch: known.map.epoch + 1 };
      if (await this.replace(known, next)) return next;
    }
    throw new ShoalError('overloaded', 'The map of slots and shards changes again and again; try again shortly.');
  }
}
