/** Writes the progress file now and then while a load runs, one write at a time. */
import type { LoadProgress } from './progress-file.ts';

export class ProgressKeeper {
  readonly #write: (progress: LoadProgress) => Promise<void>;
  readonly #intervalMs: number;
  readonly #nowMs: () => number;
  #lastMs: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(write: (progress: LoadProgress) => Promise<void>, intervalMs: number, nowMs: () => number) {
    this.#write = write;
    this.#intervalMs = intervalMs;
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
  }

  /** Writes unless it did a moment ago. A failure shows in `keep`. */
  offer(progress: LoadProgress): void {
    if (this.#nowMs() - this.#lastMs < this.#intervalMs) return;
    this.#lastMs = this.#nowMs();
    this.#writing = this.#writing.then(() => this.#write(progress));
    this.#writing.catch(() => {});
  }

  /** Writes for certain, after what is being written. */
  async keep(progress: LoadProgress): Promise<void> {
    await this.#writing;
    await this.#write(progress);
  }
}
