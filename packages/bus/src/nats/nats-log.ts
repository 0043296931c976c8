import assert from 'node:assert/strict';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { type Sequence, ShoalError, type Slot, streamOf, SUBJECTS } from '@shoal/protocol';
import { checkEntry, checkReadOptions } from '../arguments.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { LogEntry, LogMessage, MutationLog, ReadOptions } from '../mutation-log.ts';
import type { Connection } from './connection.ts';
import { askBroker } from './broker-call.ts';
import type { Names } from './names.ts';
import { pullMessages } from './pull-subscription.ts';
import { StreamPublisher } from './stream-publisher.ts';
import type { LogShape } from './streams.ts';

export interface NatsLogParts {
  readonly connection: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly shape: LogShape;
}

/** The mutation log in JetStream. A sequence is the position in the stream, which a slot shares with others of its range. */
export class NatsLog implements MutationLog {
  readonly slots: number;
  readonly #parts: NatsLogParts;
  readonly #publishers: readonly StreamPublisher[];
  readonly #closing = new AbortController();

  constructor(parts: NatsLogParts) {
    this.#parts = parts;
    this.slots = parts.shape.slots;
    this.#publishers = Array.from({ length: parts.shape.streams }, () => new StreamPublisher(parts.connection, parts.js, parts.names));
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
    const groups = pullMessages({
      connection,
      jsm,
      stream: names.stream(this.#streamOf(options.slot)),
      filter: names.subject(SUBJECTS.mutationsOfSlot(options.slot)),
      start: { type: 'sequence', from: options.from },
      maxMessages: options.maxMessages,
      maxBytes: options.maxBytes,
      signal: AbortSignal.any([options.signal, this.#closing.signal]),
    });
    for await (const group of groups) {
      yield group.map(({ subject, sequence, timeMs, data, pendingCount }) => ({
        slot: options.slot, sequence: sequence as Sequence, subject: names.bareSubject(subject), timeMs, bytes: data, pendingCount,
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

  /** Publishes under way finish first; readers end. */
  async close(): Promise<void> {
    await Promise.all(this.#publishers.map((publisher) => publisher.close()));
    this.#closing.abort();
  }

  #streamOf(slot: Slot): number {
    return streamOf(slot, this.slots, this.#parts.shape.streams);
  }
}
