/** Samples of which the percentile is taken; and after so many new ones it is taken again. */
const SAMPLES = 256;
const RENEWED_AFTER = 32;

/** How long the newest answers of one kind took: a percentile of them. */
export class AnswerTimes {
  readonly #percentile: number;
  readonly #samplesMs = new Float64Array(SAMPLES);
  #count = 0;
  #valueMs: number | undefined;

  /** `percentile` lies between 0 and 1. */
  constructor(percentile: number) {
    this.#percentile = percentile;
  }

  note(durationMs: number): void {
    this.#samplesMs[this.#count % SAMPLES] = durationMs;
    this.#count += 1;
    if (this.#count % RENEWED_AFTER === 0) this.#renew();
  }

  /** Undefined until enough answers have come. */
  get valueMs(): number | undefined {
    return this.#valueMs;
  }

  #renew(): void {
    const sorted = this.#samplesMs.slice(0, Math.min(this.#count, SAMPLES)).sort();
    this.#valueMs = sorted[Math.floor((sorted.length - 1) * this.#percentile)];
  }
}
