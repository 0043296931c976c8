/**
 * Who plans: a lease that any process may hold. Two holders at one time do no harm, for the map changes only by compare-and-set;
 * the lease spares them the work.
 */
import type { Registry } from '@shoal/bus';
import { withDeadline, type Timers } from '@shoal/pacing';
import { PLACEMENT_KEYS, ShoalError, decodeControllerLease, encodeControllerLease } from '@shoal/protocol';
import { PLACEMENT_LIMITS } from './limits.ts';

export class Election {
  readonly #registry: Registry;
  readonly #holder: string;
  readonly #timers: Timers;
  /** The lease of another process as it was seen last, and over how many counts. */
  #other = { revision: 0, silentCounts: 0 };
  #renewalCount = 0;
  #revision: number | undefined;

  /** `holder` names this process among all. */
  constructor(registry: Registry, holder: string, timers: Timers) {
    this.#registry = registry;
    this.#holder = holder;
    this.#timers = timers;
  }

  get leads(): boolean {
    return this.#revision !== undefined;
  }

  /** One count: renews the lease, or takes it when nobody renews it. Only a process that `mayLead` begins to. */
  async turn(mayLead: () => Promise<boolean>): Promise<void> {
    try {
      const entry = await this.#registry.get(PLACEMENT_KEYS.controller);
      const holder = entry === undefined ? undefined : decodeControllerLease(entry.value).holder;
      if (entry === undefined) this.#revision = (await mayLead()) ? await this.#write(undefined) : undefined;
      else if (holder === this.#holder) this.#revision = await this.#write(entry.revision);
      else this.#revision = this.#isSilent(entry.revision) && (await mayLead()) ? await this.#write(entry.revision) : undefined;
    } catch (error) {
      this.#revision = undefined;
      throw error;
    }
  }

  /** Lets another process lead at once. */
  async resign(): Promise<void> {
    const revision = this.#revision;
    this.#revision = undefined;
    if (revision === undefined) return;
    const late = (): ShoalError => new ShoalError('bus_unreachable', 'The lease of the controller could not be given back in time; it runs out.');
    await withDeadline(this.#registry.delete(PLACEMENT_KEYS.controller, revision), PLACEMENT_LIMITS.resignTimeoutMs, this.#timers, late);
  }

  #isSilent(revision: number): boolean {
    this.#other = { revision, silentCounts: this.#other.revision === revision ? this.#other.silentCounts + 1 : 0 };
    return this.#other.silentCounts >= PLACEMENT_LIMITS.absentCounts;
  }

  #write(expectedRevision: number | undefined): Promise<number | undefined> {
    this.#renewalCount += 1;
    const value = encodeControllerLease({ holder: this.#holder, renewalCount: this.#renewalCount });
    return expectedRevision === undefined ? this.#registry.create(PLACEMENT_KEYS.controller, value) : this.#registry.update(PLACEMENT_KEYS.controller, value, expectedRevision);
  }
}
