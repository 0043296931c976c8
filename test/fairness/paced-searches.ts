/** Searches at a given rate over bare connections, each timed from the moment when it was due, so that a server that stalls is not spared. */
import type { FuzzConnection } from '../fuzz/fuzz-connection.ts';
import { FuzzConnection as Connection } from '../fuzz/fuzz-connection.ts';
import { SeededChoice } from '../fuzz/seeded-choice.ts';

export interface PacedOptions {
  readonly port: number;
  readonly apiKey: string;
  readonly embedding: string;
  readonly dim: number;
  readonly perSecond: number;
  readonly connectionCount: number;
  readonly seed: number;
}

export interface PacedResult {
  /** Milliseconds, ascending, of the searches that were answered with hits. */
  readonly latencies: readonly number[];
  readonly statuses: ReadonlyMap<number, number>;
}

const TICK_MS = 5;

function searchBytes({ apiKey, embedding, dim }: PacedOptions, choice: SeededChoice): Buffer {
  const body = JSON.stringify({ vector: Array.from({ length: dim }, () => Math.round(choice.next() * 2_000 - 1_000) / 1_000), k: 10 });
  return Buffer.from(`POST /v1/embeddings/${embedding}/search HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${apiKey}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

export class PacedSearches {
  readonly #options: PacedOptions;
  readonly #connections: FuzzConnection[] = [];
  readonly #choice: SeededChoice;

  constructor(options: PacedOptions) {
    this.#options = options;
    this.#choice = new SeededChoice(options.seed);
  }

  async open(): Promise<void> {
    for (let index = 0; index < this.#options.connectionCount; index += 1) this.#connections.push(await Connection.open(this.#options.port));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Searches for so long; resolves when all are answered. */
  async run(durationMs: number): Promise<PacedResult> {
    const latencies: number[] = [];
    const statuses = new Map<number, number>();
    const pending: Promise<void>[] = [];
    const startMs = performance.now();
    const count = Math.round((durationMs * this.#options.perSecond) / 1_000);
    for (let sent = 0; sent < count; ) {
      const dueCount = Math.min(count, Math.floor(((performance.now() - startMs) * this.#options.perSecond) / 1_000) + 1);
      for (; sent < dueCount; sent += 1) {
        const dueMs = startMs + (sent * 1_000) / this.#options.perSecond;
        pending.push(this.#search(dueMs, latencies, statuses));
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(pending);
    return { latencies: latencies.sort((a, b) => a - b), statuses };
  }

  async #search(dueMs: number, latencies: number[], statuses: Map<number, number>): Promise<void> {
    // The connection with the least under way.
    const connection = this.#connections.reduce((least, other) => (other.waiting < least.waiting ? other : least));
    const outcome = await connection.send({ method: 'POST', bytes: searchBytes(this.#options, this.#choice), isMalformed: false });
    const status = typeof outcome === 'string' ? 0 : outcome.status;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 200) latencies.push(performance.now() - dueMs);
  }
}

export const percentile = (sorted: readonly number[], fraction: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
