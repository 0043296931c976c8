import type { ActivePartition } from '../partition-state.ts';
import { PACE } from '../limits.ts';
import { evaluateFilter, type PreparedFilter } from './prepared-filter.ts';

interface Entry {
  readonly version: number;
  readonly passing: Uint32Array;
}

/** The newest filters that were evaluated for searches, so that the same filter is evaluated once between two changes of the partition. */
export class FilterCache {
  readonly #entries = new Map<string, Entry>();

  /** The ids that pass; not to be changed. */
  passing(partition: ActivePartition, prepared: PreparedFilter): Uint32Array {
    const { version } = partition.payloads;
    const known = this.#entries.get(prepared.text);
    if (known?.version === version) return known.passing;
    const passing = evaluateFilter(partition, prepared, false);
    // Which ids keys have may change without a change of the partition: between the lookups of two searches.
    if (prepared.keyIds.size > 0) return passing;
    this.#entries.delete(prepared.text);
    this.#entries.set(prepared.text, { version, passing });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > PACE.cachedFilters && oldest !== undefined) this.#entries.delete(oldest);
    return passing;
  }
}
