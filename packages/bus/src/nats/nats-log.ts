import assert from 'node:assert/strict';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { type Sequence, ShoalError, type Slot, streamOf, SUBJECTS } from '@shoal/protocol';
import { checkEntry, checkReadOptions } from '../arguments.ts';
import { BUS_LIMITS } from '../limits.ts';
import { logTrimmed } from '../log-trimmed.ts';
import type { LogEntry, LogMessage, LogOrigin, LogSize, MutationLog, ReadOptions } from '../mutation-log.ts';
import type { Registry } from '../registry.ts';
import type { Connection } from './connection.ts';
import { askBroker } from './broker-call.ts';
import type { Names } from './names.ts';
import { TRACE_PARENT } from './trace-header.ts';
import { pullMessages } from './pull-subscription.ts';
import { StreamPublisher } from './stream-publisher.ts';
import { pause } from '../pause.ts';
import type { LogShape } from './streams.ts';
import { TrimMarks } from './trim-marks.ts';

export interface NatsLogParts {
  readonly connection: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly shape: LogShape;
  readonly registry: Registry;
}

/** The mutation log in JetStream. A sequence is the position in the stream, which a slot shares with others of its range. */
export class NatsLog implements MutationLog {
  readonly slots: number;
  readonly #parts: NatsLogParts;
  readonly #publishers: readonly StreamPublisher[];
  readonly #closing = new AbortController();
  readonly #marks: TrimMarks;
  /** Shared by the slots of a stream that ask at about the same time. */
  readonly #origins = new Map<number, Promise<LogOrigin>>();

  private constructor(parts: NatsLogParts, marks: TrimMarks) {
    this.#parts = parts;
    this.#marks = marks;
    this.slots = parts.shape.slots;
    this.#publishers = Array.from({ length: parts.shape.streams }, () => new StreamPublisher(parts.connection, parts.js, parts.names));
  }

  static async open(parts: NatsLogParts): Promise<NatsLog> {
    const log = new NatsLog(parts, new TrimMarks(parts.registry));
    await log.#marks.follow(log.#closing.signal);
    return log;
  }

  async publish(entries: readonly LogEntry[], options: { readonly timeoutMs: number }): Promise<readonly Sequence[]> {
    const lanes = new Map<StreamPublisher, { entries: LogEntry[]; positions: number[] }>();
    entries.forEach((entry, position) => {
      checkEntry(entry, this.slots);
      const publisher = this.#publishers[this.#streamOf(entry.address.slot)] ?? assert.fail('one publisher per stream');
      const lane = lanes.get(publisher) ?? { entries: [], positions: [] };
      lane.entries.push(entry);
      lane.positions.push(position);
      lanes.set(publisher, lane);
    });
    // All lanes are asked first, so that an overloaded call leaves nothing behind.
    for (const [publisher, lane] of lanes) {
      if (!publisher.hasRoom(lane.entries)) throw new ShoalError('overloaded', 'Too many writes are waiting for the log.', { limit: BUS_LIMITS.queuedEntries });
    }
    const sequences = new Array<Sequence>(entries.length);
    await Promise.all(
      [...lanes].map(async ([publisher, lane]) => {
        const results = await publisher.submit(lane.entries, options.timeoutMs);
        lane.positions.forEach((position, index) => {
          sequences[position] = results[index] ?? assert.fail('one sequence per entry');
        });
      }),
    );
    return sequences;
  }

  async *read(options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    checkReadOptions(options, this.slots);
    const { connection, jsm, names } = this.#parts;
    const { slot } = options;
    let next = Math.max(options.from, 1);
    const groups = pullMessages({
      connection,
      jsm,
      stream: names.stream(this.#streamOf(options.slot)),
      filter: names.subject(SUBJECTS.mutationsOfSlot(options.slot)),
      start: { type: 'sequence', from: options.from },
      maxMessages: options.maxMessages,
      maxBytes: options.maxBytes,
      signal: AbortSignal.any([options.signal, this.#closing.signal]),
      // What was purged before the session began is missing from it without a sign.
      onSession: async () => this.#requireKept(slot, next, await this.#marks.read(slot)),
    });
    for await (const group of groups) {
      // What is purged under a session that reads on is announced first, and is told of here.
      this.#requireKept(slot, next, this.#marks.heard(slot));
      next = (group.at(-1)?.sequence ?? next) + 1;
      yield group.map(({ subject, sequence, timeMs, data, pendingCount, headers }) => ({
        slot, sequence: sequence as Sequence, subject: names.bareSubject(subject), timeMs, bytes: data, pendingCount, traceParent: () => headers()?.get(TRACE_PARENT) || undefined,
      }));
    }
  }

  async lastSequence(slot: Slot): Promise<Sequence> {
    assert(slot >= 0 && slot < this.slots, `slot ${slot} is outside 0 to ${this.slots - 1}`);
    const { connection, jsm, names, shape } = this.#parts;
    const stream = names.stream(this.#streamOf(slot));
    const query = { last_by_subj: names.subject(SUBJECTS.mutationsOfSlot(slot)) };
    // A replica that lags may answer a direct read; with several replicas the leader is asked.
    const api = shape.replicas === 1 ? jsm.direct : jsm.streams;
    const message = await askBroker(connection, 'log_unavailable', () => api.getMessage(stream, query));
    return (message?.seq ?? 0) as Sequence;
  }

  /** A position is lost when it lies below the mark and the slot has messages, which the mark implies. */
  #requireKept(slot: Slot, next: number, mark: Sequence): void {
    if (next < mark) throw logTrimmed(slot, next, mark);
  }

  async trim(slot: Slot, before: Sequence): Promise<void> {
    const target = Math.min(before, await this.lastSequence(slot)) as Sequence;
    if (target <= 0) return;
    const mark = await this.#marks.raise(slot, target);
    await pause(BUS_LIMITS.trimGraceMs, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    const { connection, jsm, names } = this.#parts;
    const purge = { filter: names.subject(SUBJECTS.mutationsOfSlot(slot)), seq: mark };
    await askBroker(connection, 'log_unavailable', () => jsm.streams.purge(names.stream(this.#streamOf(slot)), purge));
  }

  trimmedBefore(slot: Slot): Promise<Sequence> {
    return this.#marks.read(slot);
  }

  async sizes(): Promise<readonly LogSize[]> {
    const { connection, jsm, names, shape } = this.#parts;
    return Promise.all(Array.from({ length: shape.streams }, async (_, index): Promise<LogSize> => {
      const stream = names.stream(index);
      const { state } = await askBroker(connection, 'log_unavailable', () => jsm.streams.info(stream));
      return { stream, bytes: state.bytes };
    }));
  }

  origin(slot: Slot): Promise<LogOrigin> {
    const stream = this.#streamOf(slot);
    const known = this.#origins.get(stream);
    if (known !== undefined) return known;
    const asked = this.#askOrigin(stream);
    this.#origins.set(stream, asked);
    const forget = (): void => void this.#origins.delete(stream);
    asked.then(() => setTimeout(forget, BUS_LIMITS.originMs).unref(), forget);
    return asked;
  }

  async #askOrigin(stream: number): Promise<LogOrigin> {
    const { connection, jsm, names } = this.#parts;
    const { created, state } = await askBroker(connection, 'log_unavailable', () => jsm.streams.info(names.stream(stream)));
    return { made: created, firstSequence: state.first_seq as Sequence };
  }

  /** Publishes under way finish first; readers end. */
  async close(): Promise<void> {
    await Promise.all(this.#publishers.map((publisher) => publisher.close()));
    this.#closing.abort();
  }

  #streamOf(slot: Slot): number {
    return streamOf(slot, this.slots, this.#parts.shape.streams);
  }
}
