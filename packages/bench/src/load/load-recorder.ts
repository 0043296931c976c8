import { LatencySamples } from './latency-samples.ts';
import { OperationFailure } from './bench-target.ts';

/** What one kind of operation did while it was measured. */
export class LoadRecorder {
  readonly latencies = new LatencySamples();
  readonly errors = new Map<string, number>();
  /** Vectors or searches that succeeded, per second of the run. */
  readonly perSecond: number[] = [];
  itemCount = 0;
  readonly #startedAtMs: number;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** `begunAtMs` is when the operation was due, which under an open loop is before it was sent. */
  succeeded(begunAtMs: number, endedAtMs: number, items: number): void {
    this.latencies.add(endedAtMs - begunAtMs);
    this.itemCount += items;
    const second = Math.max(0, Math.floor((endedAtMs - this.#startedAtMs) / 1000));
    while (this.perSecond.length <= second) this.perSecond.push(0);
    this.perSecond[second] = (this.perSecond[second] ?? 0) + items;
  }

  failed(error: unknown): void {
    const code = error instanceof OperationFailure ? error.code : 'unknown';
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  get errorCount(): number {
    return [...this.errors.values()].reduce((sum, count) => sum + count, 0);
  }
}
