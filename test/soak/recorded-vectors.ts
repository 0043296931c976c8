import { setImmediate as turn } from 'node:timers/promises';
import type { VectorSource, VectorView } from '@shoal/index';
import type { LifeRecord } from './life-record.ts';

/** Turns of the event loop that a read takes, so that groups pass while vectors are read. */
const READ_TURNS = 3;

/** The vectors of an index that keeps codes alone, from the record of their lives: of a view's ids the life that had not ended when it was taken. */
export class RecordedVectors implements VectorSource {
  readonly #record: LifeRecord;
  /** The stamp that a search which begins now sees at least. */
  readonly #publishedStamp: () => number;

  constructor(record: LifeRecord, publishedStamp: () => number) {
    this.#record = record;
    this.#publishedStamp = publishedStamp;
  }

  view(): VectorView {
    const stamp = this.#publishedStamp();
    return {
      read: async (ids) => {
        for (let turns = 0; turns < READ_TURNS; turns += 1) await turn();
        return ids.map((id) => this.#record.notDeadAt(id, stamp));
      },
      close: async () => undefined,
    };
  }
}
