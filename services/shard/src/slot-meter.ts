import type { LogMessage } from '@shoal/bus';
import { decodeMessageOutcomes, parseEmbeddingCode, type EmbeddingCode, type ItemFailure, type SearchAnswer, type SearchItem, type Sequence } from '@shoal/protocol';
import type { SearchWatch, SlotMachine } from '@shoal/shard-core';
import type { ServiceMeter } from '@shoal/telemetry';
import type { LiveRecall } from './live-recall.ts';

export interface SlotMeterOptions {
  readonly meter: ServiceMeter;
  /** Milliseconds since 1970, to compare with the clock of the log. */
  readonly nowMs: () => number;
  /** Milliseconds that only grow, with fractions, to measure durations. */
  readonly elapsedMs: () => number;
  /** Takes searches to run them again. */
  readonly liveRecall?: LiveRecall;
}

/** How far a slot is behind its log. */
export interface ApplyLag {
  readonly messages: number;
  /** Age of the newest message applied while others wait behind it; 0 when none wait. */
  readonly seconds: number;
}

/** Records what one slot does. */
export class SlotMeter {
  readonly #options: SlotMeterOptions;
  #pendingCount = 0;
  #appliedTimeMs = 0;
  #snapshot: { readonly sequence: Sequence; readonly seenAtMs: number } | undefined;

  constructor(options: SlotMeterOptions) {
    this.#options = options;
  }

  lag(): ApplyLag {
    if (this.#pendingCount === 0) return { messages: 0, seconds: 0 };
    return { messages: this.#pendingCount, seconds: Math.max(0, this.#options.nowMs() - this.#appliedTimeMs) / 1_000 };
  }

  /** Age of the newest snapshot as far as this process knows: from when it first saw it. Undefined where there is none. */
  snapshotSeconds(sequence: Sequence | undefined): number | undefined {
    if (sequence === undefined) return undefined;
    const nowMs = this.#options.nowMs();
    if (this.#snapshot?.sequence !== sequence) this.#snapshot = { sequence, seenAtMs: nowMs };
    return Math.max(0, nowMs - this.#snapshot.seenAtMs) / 1_000;
  }

  /** Measures the searches of one message, each from the arrival of the message to its own answer. */
  watchSearches(): SearchWatch | undefined {
    const { meter, elapsedMs, liveRecall } = this.#options;
    if (!meter.on) return undefined;
    const startedMs = elapsedMs();
    return {
      begun: () => (liveRecall?.wanted() === true ? { engineAsked: () => (seen) => liveRecall.take(seen) } : undefined),
      answered: (item, answer) => this.#searched(item, answer, (elapsedMs() - startedMs) * 1_000),
    };
  }

  #searched({ code }: SearchItem, answer: SearchAnswer | ItemFailure, durationUs: number): void {
    const { meter } = this.#options;
    if (answer.ok) meter.record('VectorSearch', durationUs, 1, code);
    else meter.recordError('VectorSearch', answer.error, 1, code);
  }

  /**
   * Messages that were applied just now. Writes count with the time since the log had them; those of a slot that catches up count for
   * its lag alone, for they were late for other reasons.
   */
  applied(machine: SlotMachine, group: readonly LogMessage[], live: boolean): void {
    const newest = group.at(-1);
    if (newest === undefined) return;
    this.#pendingCount = newest.pendingCount;
    this.#appliedTimeMs = newest.timeMs;
    if (!live || !this.#options.meter.on) return;
    const nowMs = this.#options.nowMs();
    for (const message of group) this.#countWrites(machine, message, Math.max(0, nowMs - message.timeMs) * 1_000);
  }

  #countWrites(machine: SlotMachine, { sequence, subject }: LogMessage, durationUs: number): void {
    const operation = machine.state.recent.at(sequence);
    if (operation === undefined || operation.outcomes.length === 0) return;
    const decoded = decodeMessageOutcomes(operation.outcomes);
    const { meter } = this.#options;
    const code = codeIn(subject);
    if (decoded.type !== 'items') return meter.record('VectorDelete', durationUs, decoded.deleted.count, code);
    let inserted = 0;
    let deleted = 0;
    for (const outcome of decoded.outcomes) {
      if (outcome === 'created' || outcome === 'replaced') inserted += 1;
      else if (outcome === 'deleted') deleted += 1;
    }
    meter.record('VectorInsert', durationUs, inserted, code);
    meter.record('VectorDelete', durationUs, deleted, code);
  }
}

/** The embedding in the subject `shoal.mut.<slot>.<code>.<partition>` of a message that was applied. */
function codeIn(subject: string): EmbeddingCode {
  return parseEmbeddingCode(Number(subject.split('.')[3]));
}
