import type { Slot } from '@shoal/protocol';
import type { Clock, Timers } from '@shoal/pacing';
import type { Replicas } from '../cluster/replica.ts';
import { PROMPT_LANE, PATIENT_LANE, type LaneLimits } from '../limits.ts';
import { SearchLane, type SearchCaller, type SearchResult, type SearchWork } from './search-lane.ts';
import type { SlotQueries } from './slot-queries.ts';

export interface SlotDispatcherDependencies {
  readonly slots: number;
  readonly queries: SlotQueries;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly replicas: Replicas;
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

  /** Never rejects: what goes wrong is a failure of this item. */
  search(slot: Slot, work: SearchWork, deadlineMs: number, caller: SearchCaller): Promise<SearchResult> {
    const lane = work.path !== 'flat' && work.filter === undefined && work.after <= this.#dependencies.replicas.appliedFloor(slot) ? 'prompt' : 'patient';
    return this.#lanesOf(slot)[lane].search(work, deadlineMs, caller);
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
