import type { LogMessage } from '../mutation-log.ts';

/**
 * The newest messages of one slot in memory, so that a reader that is up to date need not go to disk.
 * The messages held are consecutive and end with the last durable one.
 */
export class LogTail {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #messages: LogMessage[] = [];
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  append(message: LogMessage): void {
    this.#messages.push(message);
    this.#bytes += message.bytes.length;
    // Trimming to half at a time keeps the cost of shifting the array constant per message.
    if (this.#messages.length > this.#maxMessages || this.#bytes > this.#maxBytes) this.#trim();
  }

  /** Messages from `sequence` on, up to the bounds, or nothing when the tail does not reach back so far. */
  from(sequence: number, maxMessages: number, maxBytes: number): readonly LogMessage[] | undefined {
    const first = this.#messages[0];
    if (first === undefined || sequence < first.sequence) return undefined;
    const start = sequence - first.sequence;
    let end = start;
    for (let bytes = 0; end < this.#messages.length && end - start < maxMessages && bytes < maxBytes; end++) {
      bytes += this.#messages[end]?.bytes.length ?? 0;
    }
    return this.#messages.slice(start, end);
  }

  #trim(): void {
    let drop = 0;
    while (this.#messages.length - drop > this.#maxMessages / 2 || this.#bytes > this.#maxBytes / 2) {
      this.#bytes -= this.#messages[drop]?.bytes.length ?? 0;
      drop++;
    }
    this.#messages = this.#messages.slice(drop);
  }
}
