import type { Distance } from '@shoal/index';

/** Distances that differ by less of themselves are equal: sums of floats differ with their order. */
export const TIE = 1 + 1e-5;

/** Lower is nearer; squared for l2, which orders alike. `limit` ends the sum early where it can only grow. */
export function distanceOf(distance: Distance, a: Float32Array, b: Float32Array, limit: number): number {
  let sum = 0;
  if (distance === 'l2') {
    for (let i = 0; i < a.length; i += 1) {
      const difference = (a[i] as number) - (b[i] as number);
      sum += difference * difference;
      if ((i & 31) === 31 && sum > limit) return Infinity;
    }
    return sum;
  }
  let squares = 0;
  for (let i = 0; i < a.length; i += 1) {
    sum += (a[i] as number) * (b[i] as number);
    squares += (b[i] as number) ** 2;
  }
  return distance === 'dot' ? -sum : 1 - sum / Math.sqrt(squares * a.reduce((total, x) => total + x * x, 0));
}

/** The k least distances seen. */
export class Nearest {
  readonly #least: number[] = [];
  readonly #k: number;

  constructor(k: number) {
    this.#k = k;
  }

  get worst(): number {
    return this.#least.length < this.#k ? Infinity : (this.#least[this.#k - 1] ?? Infinity);
  }

  add(distance: number): void {
    if (distance >= this.worst) return;
    const at = this.#least.findIndex((other) => other > distance);
    this.#least.splice(at === -1 ? this.#least.length : at, 0, distance);
    if (this.#least.length > this.#k) this.#least.pop();
  }
}
