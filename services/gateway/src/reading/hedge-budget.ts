import { GATEWAY_LIMITS } from '../limits.ts';

/**
 * How many questions may be asked twice: a share of all questions, so that replicas that are slow because they have too much to do are
 * not given still more, and a stock for the moment in which one of them stops.
 */
export class HedgeBudget {
  #stock: number = GATEWAY_LIMITS.hedgeStock;

  /** Every question adds its share. */
  earn(): void {
    this.#stock = Math.min(this.#stock + GATEWAY_LIMITS.hedgeShare, GATEWAY_LIMITS.hedgeStock);
  }

  take(): boolean {
    if (this.#stock < 1) return false;
    this.#stock -= 1;
    return true;
  }
}
