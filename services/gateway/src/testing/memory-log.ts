import type { LogEntry, LogMessage, LogOrigin, LogSize, MutationLog, ReadOptions } from '@shoal/bus';
import { SUBJECTS, ShoalError, type Sequence, type Slot } from '@shoal/protocol';

/** The log in an array; sequences are shared by all slots, as in a stream that carries several. */
export class MemoryLog implements MutationLog {
  readonly slots: number;
  readonly messages: LogMessage[] = [];
  /** Set to make publishing fail before anything is in the log. */
  refuse: ShoalError | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(slots: number) {
    this.slots = slots;
  }

  async publish(entries: readonly LogEntry[]): Promise<readonly Sequence[]> {
    await Promise.resolve();
    if (this.refuse !== undefined) throw this.refuse;
    const sequences = entries.map(({ address, bytes }) => {
      const sequence = (this.messages.length + 1) as Sequence;
      this.messages.push({ slot: address.slot, sequence, subject: SUBJECTS.mutation(address), timeMs: 0, bytes: Uint8Array.from(bytes), pendingCount: 0 });
      return sequence;
    });
    setImmediate(() => {
      for (const listener of this.#listeners) listener();
    });
    return sequences;
  }

  async *read({ slot, from, signal }: ReadOptions): AsyncIterable<readonly LogMessage[]> {
    let next = from - 1;
    while (!signal.aborted) {
      const group = this.messages.slice(next).filter((message) => message.slot === slot);
      next = this.messages.length;
      if (group.length > 0) yield group;
      else await this.#changed(signal);
    }
  }

  async lastSequence(slot: Slot): Promise<Sequence> {
    return this.messages.findLast((message) => message.slot === slot)?.sequence ?? (0 as Sequence);
  }

  /** Nothing that uses this log trims it. */
  async trim(): Promise<void> {
    throw new Error('the log in memory is not trimmed');
  }

  async trimmedBefore(): Promise<Sequence> {
    return 0 as Sequence;
  }

  async sizes(): Promise<readonly LogSize[]> {
    return [{ stream: 'log', bytes: this.messages.reduce((sum, { bytes }) => sum + bytes.length, 0) }];
  }

  async origin(): Promise<LogOrigin> {
    return { made: 'in memory', firstSequence: 0 as Sequence };
  }

  onAppend(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#listeners.delete(done);
        resolve();
      };
      this.#listeners.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
