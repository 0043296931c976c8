/** The mutation log in LevelDB. Sequences are dense per slot and start at 1. */
import assert from 'node:assert/strict';
import { type Sequence, ShoalError, type Slot, SUBJECTS } from '@shoal/protocol';
import { checkEntry, checkReadOptions } from '../arguments.ts';
import { GroupCommit, type Pending } from '../group-commit.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { LogEntry, LogMessage, LogOrigin, LogSize, MutationLog, ReadOptions } from '../mutation-log.ts';
import { logTrimmed } from '../log-trimmed.ts';
import { Wakeup } from '../wakeup.ts';
import type { Database, Range, Write } from './database.ts';
import { LogTail } from './log-tail.ts';
import { decodeLogValue, decodeTrim, encodeLogValue, encodeTrim, logKey, sequenceOfLogKey, trimKey } from './records.ts';

interface Lane {
  /** Last sequence on disk: what readers may see. */
  durable: Sequence;
  /** Messages below are gone. */
  trimmedBefore: Sequence;
  readonly tail: LogTail;
  readonly grown: Wakeup;
}

export class EmbeddedLog implements MutationLog {
  readonly slots: number;
  readonly #database: Database;
  readonly #now: () => number;
  readonly #lanes: readonly Lane[];
  readonly #closing = new AbortController();
  readonly #commits: GroupCommit<LogEntry, Sequence>;

  private constructor(database: Database, ends: readonly SlotEnds[], now: () => number) {
    this.slots = ends.length;
    this.#database = database;
    this.#now = now;
    this.#lanes = ends.map((slotEnds) => ({ ...slotEnds, tail: new LogTail(BUS_LIMITS.tailMessages, BUS_LIMITS.tailBytes), grown: new Wakeup() }));
    this.#commits = new GroupCommit({ ...BUS_LIMITS, commit: (group) => this.#commit(group) });
  }

  static async open(database: Database, slots: number, now: () => number): Promise<EmbeddedLog> {
    const ends: SlotEnds[] = [];
    for (let slot = 0; slot < slots; slot++) ends.push(await findEnds(database, slot as Slot));
    return new EmbeddedLog(database, ends, now);
  }

  async publish(entries: readonly LogEntry[], options: { readonly timeoutMs: number }): Promise<readonly Sequence[]> {
    if (entries.length === 0) return [];
    for (const entry of entries) checkEntry(entry, this.slots);
    return this.#commits.submit(entries, (entry) => entry.bytes.length, options.timeoutMs);
  }

  async #commit(group: readonly Pending<LogEntry, Sequence>[]): Promise<void> {
    const next = new Map<Slot, number>();
    const timeMs = this.#now();
    const writes: Write[] = [];
    const messages: LogMessage[] = [];
    for (const { item } of group) {
      const { slot, code, partition } = item.address;
      const sequence = (next.get(slot) ?? this.#lane(slot).durable) + 1;
      next.set(slot, sequence);
      const key = logKey(slot, sequence);
      const value = encodeLogValue(key, { timeMs, code, partition, payload: item.bytes });
      writes.push({ type: 'put', key, value });
      const { traceParent } = item;
      // Readers that are up to date read from memory; the context of a trace is not worth a place on disk.
      messages.push({ ...messageOf(slot, key, value), ...(traceParent === undefined ? {} : { traceParent: () => traceParent }) });
    }
    await this.#database.write(writes);
    for (const message of messages) {
      const lane = this.#lane(message.slot);
      lane.durable = message.sequence;
      lane.tail.append(message);
    }
    for (const slot of next.keys()) this.#lane(slot).grown.notify();
    group.forEach((pending, index) => pending.resolve(messages[index]?.sequence ?? assert.fail('one message per entry')));
  }

  async *read(options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    checkReadOptions(options, this.slots);
    const lane = this.#lane(options.slot);
    if (options.from > lane.durable + 1) throw readBeyondEnd(options, lane.durable);
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const wake = (): void => lane.grown.notify();
    signal.addEventListener('abort', wake);
    try {
      let next = Math.max(options.from, 1);
      while (!signal.aborted) {
        if (next < lane.trimmedBefore) throw logTrimmed(options.slot, next, lane.trimmedBefore);
        if (next > lane.durable) {
          await lane.grown.wait();
          continue;
        }
        const group = lane.tail.from(next, options.maxMessages, options.maxBytes) ?? (await this.#page(options, next, lane));
        if (signal.aborted) return;
        if (next < lane.trimmedBefore) throw logTrimmed(options.slot, next, lane.trimmedBefore);
        const last = group.at(-1);
        if (last === undefined) throw new ShoalError('store_corrupt', `The log on disk lacks messages of slot ${options.slot} from ${next} on.`);
        next = last.sequence + 1;
        yield group.map((message) => ({ ...message, pendingCount: lane.durable - message.sequence }));
      }
    } catch (error) {
      // Closing the database under a page that is being read makes the page fail; the reader was told to end all the same.
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** The tail does not reach back to `next`, so the messages come from disk; none beyond `durable`. */
  async #page(options: ReadOptions, next: number, lane: Lane): Promise<readonly LogMessage[]> {
    const range: Range = { gte: logKey(options.slot, next), lt: logKey(options.slot, lane.durable + 1) };
    const rows = await this.#database.page(range, options.maxMessages, options.maxBytes);
    const messages = rows.map(([key, value]) => messageOf(options.slot, key, value));
    messages.forEach((message, index) => {
      if (message.sequence !== next + index) {
        // A page that was read while its messages were being removed lacks some of them.
        if (next < lane.trimmedBefore) throw logTrimmed(options.slot, next, lane.trimmedBefore);
        throw new ShoalError('store_corrupt', `The log on disk lacks message ${next + index} of slot ${options.slot}.`);
      }
    });
    return messages;
  }

  async lastSequence(slot: Slot): Promise<Sequence> {
    return this.#lane(slot).durable;
  }

  async trim(slot: Slot, before: Sequence): Promise<void> {
    const lane = this.#lane(slot);
    const target = Math.min(before, lane.durable) as Sequence;
    if (target <= lane.trimmedBefore) return;
    const from = lane.trimmedBefore;
    await this.#database.write([{ type: 'put', key: trimKey(slot), value: encodeTrim(trimKey(slot), target) }]);
    // Readers that stand below the mark learn it before the first message goes.
    lane.trimmedBefore = target;
    await this.#database.remove({ gte: logKey(slot, from), lt: logKey(slot, target) });
  }

  async trimmedBefore(slot: Slot): Promise<Sequence> {
    return this.#lane(slot).trimmedBefore;
  }

  async sizes(): Promise<readonly LogSize[]> {
    const bytes = await this.#database.sizeBytes({ gte: logKey(0 as Slot, 0), lt: logKey(this.slots as Slot, 0) });
    return [{ stream: 'log', bytes }];
  }

  /** Nobody but this process can touch the log. */
  async origin(slot: Slot): Promise<LogOrigin> {
    return { made: 'embedded', firstSequence: this.#lane(slot).trimmedBefore };
  }

  /** Publishes under way finish first; readers end. */
  async close(): Promise<void> {
    await this.#commits.close(BUS_LIMITS.closeMs);
    this.#closing.abort();
  }

  #lane(slot: Slot): Lane {
    return this.#lanes[slot] ?? assert.fail(`slot ${slot} is outside 0 to ${this.slots - 1}`);
  }
}

interface SlotEnds {
  readonly durable: Sequence;
  readonly trimmedBefore: Sequence;
}

/** Also finishes a removal that a crash cut short. */
async function findEnds(database: Database, slot: Slot): Promise<SlotEnds> {
  const mark = await database.get(trimKey(slot));
  const trimmedBefore = mark === undefined ? (0 as Sequence) : decodeTrim(trimKey(slot), mark);
  const leftover: Range = { gte: logKey(slot, 0), lt: logKey(slot, trimmedBefore) };
  if (trimmedBefore > 0 && (await database.firstKey(leftover)) !== undefined) await database.remove(leftover);
  const lastKey = await database.lastKey(slotRange(slot, 0));
  return { durable: lastKey === undefined ? (0 as Sequence) : sequenceOfLogKey(lastKey), trimmedBefore };
}

function slotRange(slot: Slot, from: number): Range {
  return { gte: logKey(slot, from), lt: logKey((slot + 1) as Slot, 0) };
}

function messageOf(slot: Slot, key: Uint8Array, value: Uint8Array): LogMessage {
  const { timeMs, code, partition, payload } = decodeLogValue(key, value);
  return { slot, sequence: sequenceOfLogKey(key), subject: SUBJECTS.mutation({ slot, code, partition }), timeMs, bytes: payload, pendingCount: 0 };
}

function readBeyondEnd(options: ReadOptions, last: number): ShoalError {
  return new ShoalError('log_incompatible', `The log of slot ${options.slot} ends at ${last}, before position ${options.from} that was to be read: it is not the log that was read before.`);
}
