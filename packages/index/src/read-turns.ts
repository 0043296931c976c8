import { EngineOverloadedError } from './errors.ts';
import { RERANKS_WAITING_MAX } from './limits.ts';

/** Lets so many reads of vectors run at once, in order: they share the process's few threads for files with the writes of the store. */
export class ReadTurns {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Rejects with EngineOverloadedError where too many wait. */
  async run<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.#running < this.#max) this.#running++;
    else await this.#turn();
    try {
      return await read();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** The place of a read that ended passes to the one that waited longest. */
  #turn(): Promise<void> {
    if (this.#waiting.length >= RERANKS_WAITING_MAX) return Promise.reject(new EngineOverloadedError('reads of vectors'));
    return new Promise((resolve) => { this.#waiting.push(resolve); });
  }
}
