import type { IdFilter } from '@shoal/index';
import type { ActivePartition } from '../partition-state.ts';
import { PACE } from '../limits.ts';
import { evaluateFilter, type PreparedFilter } from './prepared-filter.ts';

interface Entry {
  readonly version: number;
  readonly filter: IdFilter;
}

/** The newest filters that were evaluated for searches, so that the same filter is evaluated once between two changes of the partition. */
export class FilterCache {
  readonly #entries = new Map<string, Entry>();

  /**
   * The ids that pass, with the stamp of the index that they were found at. While a run is being written both sides of it are among them, so
   * that the stamp may be of before or after it.
   */
  idFilter(partition: ActivePartition, prepared: PreparedFilter): IdFilter {
    const { version } = partition.payloads;
    const known = this.#entries.get(prepared.text);
    if (known?.version === version) return known.filter;
    const filter: IdFilter = { allowed: evaluateFilter(partition, prepared, false), stamp: partition.index.publishedStamp() };
    // Which ids keys have may change without a change of the partition: between the lookups of two searches.
    if (prepared.keyIds.size > 0) return filter;
    this.#entries.delete(prepared.text);
    this.#entries.set(prepared.text, { version, filter });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > PACE.cachedFilters && oldest !== undefined) this.#entries.delete(oldest);
    return filter;
  }
}
