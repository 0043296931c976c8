/**
 * Group commit: while one group is being made durable, later entries gather, and go together as the next group. One
 * group is under way at a time, so entries keep the order in which they were submitted (after DeWitt et al.,
 * "Implementation Techniques for Main Memory Database Systems", 1984).
 *
 * Invariants:
 * 1. Entries are committed in the order of their submission, each in exactly one group.
 * 2. A call resolves when all its entries are durable, with their results in order; it rejects at its deadline at the latest.
 * 3. A group that fails rejects the calls that have an entry in it, and no other.
 * 4. The queue never holds more than `queuedEntries` and `queuedBytes` of live calls: a call beyond is refused whole, at once.
 */
import assert from 'node:assert/strict';
import { ShoalError } from '@shoal/protocol';

/** One entry that waits for a group, or is in one. */
export interface Pending<Item, Result> {
  readonly item: Item;
  readonly bytes: number;
  /** True when its call has no other entry. */
  readonly alone: boolean;
  /** True when nobody waits for the entry any more: its call passed its deadline. */
  readonly abandoned: boolean;
  /** True once `resolve` was called. */
  readonly resolved: boolean;
  resolve(result: Result): void;
}

export interface GroupCommitOptions<Item, Result> {
  readonly queuedEntries: number;
  readonly queuedBytes: number;
  readonly groupEntries: number;
  readonly groupBytes: number;
  /** Makes the group durable and resolves each of its entries; when it throws, the calls of unresolved entries reject with the error. */
  readonly commit: (group: readonly Pending<Item, Result>[]) => Promise<void>;
}

class Call<Result> {
  settled = false;
  readonly entryCount: number;
  remaining: number;
  timer: NodeJS.Timeout | undefined;
  readonly results: Result[];
  readonly outcome = Promise.withResolvers<readonly Result[]>();

  constructor(entryCount: number) {
    this.entryCount = entryCount;
    this.remaining = entryCount;
    this.results = new Array<Result>(entryCount);
  }

  accept(index: number, result: Result): void {
    if (this.settled) return;
    this.results[index] = result;
    this.remaining--;
    if (this.remaining === 0) this.#settle(() => this.outcome.resolve(this.results));
  }

  reject(error: unknown): void {
    if (!this.settled) this.#settle(() => this.outcome.reject(error));
  }

  #settle(finish: () => void): void {
    this.settled = true;
    clearTimeout(this.timer);
    finish();
  }
}

class Entry<Item, Result> implements Pending<Item, Result> {
  readonly item: Item;
  readonly bytes: number;
  readonly call: Call<Result>;
  readonly #index: number;
  resolved = false;

  constructor(item: Item, bytes: number, call: Call<Result>, index: number) {
    this.item = item;
    this.bytes = bytes;
    this.call = call;
    this.#index = index;
  }

  get alone(): boolean {
    return this.call.entryCount === 1;
  }

  get abandoned(): boolean {
    return this.call.settled;
  }

  resolve(result: Result): void {
    this.resolved = true;
    this.call.accept(this.#index, result);
  }
}

export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  #queue: Entry<Item, Result>[] = [];
  #queuedBytes = 0;
  #closed = false;
  #running: Promise<void> | undefined;

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /** Whether `submit` would take so much now; lets a caller with several lanes refuse before it submits to any. */
  hasRoom(entryCount: number, bytes: number): boolean {
    if (this.#queue.length + entryCount > this.#options.queuedEntries || this.#queuedBytes + bytes > this.#options.queuedBytes) {
      this.#dropAbandoned();
    }
    return this.#queue.length + entryCount <= this.#options.queuedEntries && this.#queuedBytes + bytes <= this.#options.queuedBytes;
  }

  /** Rejects with `overloaded`, with `not_ready` after `close`, with `log_unavailable` at the deadline, or with what `commit` threw. */
  submit(items: readonly Item[], bytesOf: (item: Item) => number, timeoutMs: number): Promise<readonly Result[]> {
    assert(items.length > 0, 'a call has at least one entry');
    if (this.#closed) return Promise.reject(new ShoalError('not_ready', 'The log is closed.'));
    const call = new Call<Result>(items.length);
    const entries = items.map((item, index) => new Entry(item, bytesOf(item), call, index));
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (!this.hasRoom(items.length, bytes)) {
      return Promise.reject(new ShoalError('overloaded', 'Too many writes are waiting for the log.', { limit: this.#options.queuedEntries }));
    }
    for (const entry of entries) this.#queue.push(entry);
    this.#queuedBytes += bytes;
    call.timer = setTimeout(() => call.reject(deadlinePassed(timeoutMs)), timeoutMs);
    this.#running ??= this.#run();
    return call.outcome.promise;
  }

  /** Takes no more calls and waits for those it has, at most `graceMs`; the rest reject with `not_ready`. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    if (this.#running === undefined) return;
    const timer = setTimeout(() => this.#rejectAll(new ShoalError('not_ready', 'The log was closed before the write was durable.')), graceMs);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    // Entries submitted in the same turn of the event loop travel together from the start.
    await Promise.resolve();
    for (let group = this.#take(); group.length > 0; group = this.#take()) {
      this.#group = group;
      try {
        await this.#options.commit(group);
        assert(group.every((entry) => entry.resolved || entry.abandoned), 'a commit resolves every entry or throws');
      } catch (error) {
        for (const entry of group) if (!entry.resolved) entry.call.reject(error);
      }
      this.#group = [];
    }
    this.#running = undefined;
  }

  #group: readonly Entry<Item, Result>[] = [];

  #rejectAll(error: ShoalError): void {
    for (const entry of [...this.#group, ...this.#queue]) entry.call.reject(error);
  }

  /** The longest prefix of the queue that fits one group, at least one entry. */
  #take(): readonly Entry<Item, Result>[] {
    this.#dropAbandoned();
    let bytes = 0;
    let count = 0;
    for (const entry of this.#queue) {
      if (count === this.#options.groupEntries || (count > 0 && bytes + entry.bytes > this.#options.groupBytes)) break;
      bytes += entry.bytes;
      count++;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #dropAbandoned(): void {
    if (!this.#queue.some((entry) => entry.abandoned)) return;
    this.#queue = this.#queue.filter((entry) => !entry.abandoned);
    this.#queuedBytes = this.#queue.reduce((sum, entry) => sum + entry.bytes, 0);
  }
}

function deadlinePassed(timeoutMs: number): ShoalError {
  return new ShoalError('log_unavailable', `The log did not confirm the write within ${timeoutMs} ms; it may still take it.`);
}
