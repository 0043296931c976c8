import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import { checkEntry, checkReadOptions } from '../arguments.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { LogEntry, LogMessage, LogOrigin, LogSize, MutationLog, ReadOptions } from '../mutation-log.ts';
import { Wakeup } from '../wakeup.ts';
import type { SimBroker } from './sim-broker.ts';
import { callBroker } from './sim-call.ts';
import type { SimProcess } from './sim-process.ts';

const ATTEMPT_MS = 400;
const READ_TIMEOUT_MS = 5_000;
/** A reader looks again after so long even when nobody told it of new messages. */
const LOOK_AGAIN_MS = 1_500;

export class SimLog implements MutationLog {
  readonly slots: number;
  readonly #broker: SimBroker;
  readonly #process: SimProcess;
  readonly #closing = new AbortController();
  #waitingEntries = 0;
  #waitingBytes = 0;

  constructor(broker: SimBroker, process: SimProcess) {
    this.slots = broker.options.slots;
    this.#broker = broker;
    this.#process = process;
  }

  async publish(entries: readonly LogEntry[], { timeoutMs }: { readonly timeoutMs: number }): Promise<readonly Sequence[]> {
    if (this.#closing.signal.aborted) throw new ShoalError('not_ready', 'The log is closed.');
    if (entries.length === 0) return [];
    for (const entry of entries) checkEntry(entry, this.slots);
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
    if (this.#waitingEntries + entries.length > BUS_LIMITS.queuedEntries || this.#waitingBytes + bytes > BUS_LIMITS.queuedBytes) {
      throw new ShoalError('overloaded', 'Too many writes are waiting for the log.', { limit: BUS_LIMITS.queuedEntries });
    }
    this.#waitingEntries += entries.length;
    this.#waitingBytes += bytes;
    try {
      return await callBroker(this.#broker, this.#process, () => this.#broker.append(entries), { timeoutMs, attemptMs: ATTEMPT_MS, late: 'log_unavailable' });
    } finally {
      this.#waitingEntries -= entries.length;
      this.#waitingBytes -= bytes;
    }
  }

  async *read(options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    checkReadOptions(options, this.slots);
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const grown = new Wakeup();
    const forget = this.#broker.watchLog((slot) => {
      if (slot === options.slot) this.#process.receive(() => grown.notify());
    });
    const wake = (): void => grown.notify();
    signal.addEventListener('abort', wake);
    try {
      let next = Math.max(options.from, 1);
      const last = await this.#ask(() => this.#broker.lastSequence(options.slot));
      if (options.from > last + 1) throw new ShoalError('log_incompatible', `The log of slot ${options.slot} ends at ${last}, before position ${options.from} that was to be read.`);
      while (!signal.aborted) {
        const waiting = grown.wait();
        const group = await this.#group(options, next as Sequence);
        if (signal.aborted) return;
        const end = group.at(-1);
        if (end === undefined) {
          const cancel = this.#process.timers.after(LOOK_AGAIN_MS, wake);
          await waiting;
          cancel();
          continue;
        }
        next = end.sequence + 1;
        yield group;
      }
    } finally {
      forget();
      signal.removeEventListener('abort', wake);
    }
  }

  /** Groups come in any size that the bounds allow. */
  async #group({ slot, maxMessages, maxBytes }: ReadOptions, next: Sequence): Promise<readonly LogMessage[]> {
    const wanted = this.#broker.world.between(1, Math.min(maxMessages, 32));
    const messages = await this.#ask(() => {
      const keptFrom = this.#broker.trimmedBefore(slot);
      if (next < keptFrom) throw new ShoalError('log_trimmed', `The log of slot ${slot} begins at ${keptFrom}, behind position ${next} that was to be read.`);
      return this.#broker.read(slot, next, wanted);
    });
    let bytes = 0;
    const end = messages.findIndex((message) => (bytes += message.bytes.length) >= maxBytes);
    return end === -1 ? messages : messages.slice(0, end + 1);
  }

  /** Reading goes on through whatever happens to the connection. */
  async #ask<Result>(ask: () => Result): Promise<Result> {
    for (;;) {
      try {
        return await callBroker(this.#broker, this.#process, ask, { timeoutMs: READ_TIMEOUT_MS, attemptMs: ATTEMPT_MS, late: 'log_unavailable' });
      } catch (error) {
        if (!(error instanceof ShoalError) || error.code !== 'log_unavailable' || this.#closing.signal.aborted) throw error;
      }
    }
  }

  async lastSequence(slot: Slot): Promise<Sequence> {
    return callBroker(this.#broker, this.#process, () => this.#broker.lastSequence(slot), { timeoutMs: READ_TIMEOUT_MS, attemptMs: ATTEMPT_MS, late: 'log_unavailable' });
  }

  async trim(slot: Slot, before: Sequence): Promise<void> {
    await callBroker(this.#broker, this.#process, () => this.#broker.trim(slot, before), { timeoutMs: READ_TIMEOUT_MS, attemptMs: ATTEMPT_MS, late: 'log_unavailable' });
  }

  async trimmedBefore(slot: Slot): Promise<Sequence> {
    return this.#ask(() => this.#broker.trimmedBefore(slot));
  }

  async sizes(): Promise<readonly LogSize[]> {
    const bytes = await callBroker(this.#broker, this.#process, () => this.#broker.logBytes(), { timeoutMs: READ_TIMEOUT_MS, attemptMs: ATTEMPT_MS, late: 'log_unavailable' });
    return [{ stream: 'log', bytes }];
  }

  async origin(slot: Slot): Promise<LogOrigin> {
    return { made: 'sim', firstSequence: await this.trimmedBefore(slot) };
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}
