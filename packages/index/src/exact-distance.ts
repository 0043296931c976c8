import type { Distance } from './index-spec.ts';

function productOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function squaresBetween(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    sum += difference * difference;
  }
  return sum;
}

/**
 * Distances from one query in double precision, as the kernel has them inside: squared for l2, the negated inner product for dot, and for
 * cosine that of the normalised vectors, a vector of length zero being orthogonal to all.
 */
export class ExactDistances {
  readonly #distance: Distance;
  readonly #query: Float32Array;
  readonly #scale: number;

  constructor(distance: Distance, query: Float32Array) {
    this.#distance = distance;
    this.#query = query;
    this.#scale = distance === 'cosine' ? inverse(Math.sqrt(productOf(query, query))) : 1;
  }

  of(vector: Float32Array): number {
    switch (this.#distance) {
      case 'l2': return squaresBetween(this.#query, vector);
      case 'dot': return -productOf(this.#query, vector);
      case 'cosine': return -productOf(this.#query, vector) * this.#scale * inverse(Math.sqrt(productOf(vector, vector)));
      default: return this.#distance satisfies never;
    }
  }

  /** The distance as callers see it: Euclidean, 1 - cosine, negated inner product. */
  toPublic(inner: number): number {
    switch (this.#distance) {
      case 'l2': return Math.sqrt(inner);
      case 'dot': return inner;
      case 'cosine': return Math.max(0, 1 + inner);
      default: return this.#distance satisfies never;
    }
  }
}

function inverse(length: number): number {
  return length > 0 ? 1 / length : 0;
}
