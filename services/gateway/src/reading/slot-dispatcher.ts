import type { Sequence, Slot } from '@shoal/protocol';
import { pause, type Clock, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS, PROMPT_LANE, PATIENT_LANE, type LaneLimits } from '../limits.ts';
import { SearchLane, type SearchCaller, type SearchResult, type SearchWork } from './search-lane.ts';
import type { SlotQueries } from './slot-queries.ts';

export interface SlotDispatcherDependencies {
  readonly slots: number;
  readonly queries: SlotQueries;
  readonly clock: Clock;
  readonly timers: Timers;
  /** What every ready shard of the slot is known to have applied. */
  readonly appliedFloor: (slot: Slot) => Sequence;
  readonly promptLane?: LaneLimits;
  readonly patientLane?: LaneLimits;
}

interface Lanes {
  readonly prompt: SearchLane;
  readonly patient: SearchLane;
}

/**
 * Sends searches to the shards of their slots. A message is answered when its last search is, so searches that may take
 * long (they wait for a receipt or for a field to be indexed, or scan everything) take another lane than those that are answered at once.
 */
export class SlotDispatcher {
  readonly #dependencies: SlotDispatcherDependencies;
  readonly #lanes: (Lanes | undefined)[];

  constructor(dependencies: SlotDispatcherDependencies) {
    this.#dependencies = dependencies;
    this.#lanes = new Array<Lanes | undefined>(dependencies.slots).fill(undefined);
  }

  /** Never rejects: what goes wrong is a failure of this item. Tries once more when no shard served the slot. */
  async search(slot: Slot, work: SearchWork, deadlineMs: number, caller: SearchCaller): Promise<SearchResult> {
    const { clock, timers, appliedFloor } = this.#dependencies;
    for (let retry = 0; ; retry += 1) {
      const lane = work.path !== 'flat' && work.filter === undefined && work.after <= appliedFloor(slot) ? 'prompt' : 'patient';
      const result = await this.#lanesOf(slot)[lane].search(work, deadlineMs, caller);
      if (result.ok || result.error !== 'slot_unavailable' || retry >= GATEWAY_LIMITS.slotRetries) return result;
      if (deadlineMs - clock.nowMs() <= GATEWAY_LIMITS.slotRetryDelayMs) return result;
      await pause(timers, GATEWAY_LIMITS.slotRetryDelayMs);
    }
  }

  /** Searches that have not left yet. */
  waiting(): number {
    return this.#lanes.reduce((sum, lanes) => sum + (lanes === undefined ? 0 : lanes.prompt.waiting + lanes.patient.waiting), 0);
  }

  #lanesOf(slot: Slot): Lanes {
    const known = this.#lanes[slot];
    if (known !== undefined) return known;
    const { queries, clock, timers, promptLane = PROMPT_LANE, patientLane = PATIENT_LANE } = this.#dependencies;
    const lanes: Lanes = {
      prompt: new SearchLane(slot, queries, clock, timers, promptLane),
      patient: new SearchLane(slot, queries, clock, timers, patientLane),
    };
    this.#lanes[slot] = lanes;
    return lanes;
  }
}
