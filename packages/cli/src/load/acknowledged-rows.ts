/** The highest row below which everything is acknowledged, while batches are acknowledged out of order. */
import assert from 'node:assert/strict';

export class AcknowledgedRows {
  #below: number;
  /** Acknowledged runs above `below`: first row -> count. At most as many as there are batches in flight. */
  readonly #ahead = new Map<number, number>();

  constructor(startRow: number) {
    this.#below = startRow;
  }

  /** Every row under this one is acknowledged. */
  get below(): number {
    return this.#below;
  }

  add(firstRow: number, rowCount: number): void {
    assert(firstRow >= this.#below && !this.#ahead.has(firstRow), `rows from ${firstRow} were acknowledged before`);
    this.#ahead.set(firstRow, rowCount);
    for (let count = this.#ahead.get(this.#below); count !== undefined; count = this.#ahead.get(this.#below)) {
      this.#ahead.delete(this.#below);
      this.#below += count;
    }
  }
}
