import assert from 'node:assert/strict';

export interface LatencyFigures {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Every latency of a run, kept: percentiles are exact, not estimates from buckets. */
export class LatencySamples {
  #values = new Float64Array(4096);
  #count = 0;
  #ascending: Float64Array | undefined;

  add(durationMs: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = durationMs;
    this.#ascending = undefined;
  }

  get count(): number {
    return this.#count;
  }

  /** The nearest-rank percentile; at least one sample. */
  percentileMs(percent: number): number {
    assert(this.#count > 0, 'a percentile needs at least one sample');
    this.#ascending ??= this.#values.slice(0, this.#count).sort();
    return this.#ascending[Math.max(1, Math.ceil((percent / 100) * this.#count)) - 1] ?? Number.NaN;
  }

  /** Undefined without samples. */
  figures(): LatencyFigures | undefined {
    if (this.#count === 0) return undefined;
    let sumMs = 0;
    for (let index = 0; index < this.#count; index += 1) sumMs += this.#values[index] ?? 0;
    return {
      count: this.#count,
      meanMs: sumMs / this.#count,
      p50Ms: this.percentileMs(50),
      p95Ms: this.percentileMs(95),
      p99Ms: this.percentileMs(99),
      maxMs: this.percentileMs(100),
    };
  }

  /** Points of the cumulative distribution for a plot: the latency at each of these percentiles. */
  distribution(percents: readonly number[] = DISTRIBUTION_PERCENTS): readonly { percent: number; ms: number }[] {
    return this.#count === 0 ? [] : percents.map((percent) => ({ percent, ms: this.percentileMs(percent) }));
  }
}

/** Dense where tails are looked at. */
export const DISTRIBUTION_PERCENTS: readonly number[] = [1, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5, 99.9, 99.99, 100];
