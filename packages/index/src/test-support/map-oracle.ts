import type { IndexOp } from '../index-op.ts';
import type { Distance } from '../index-spec.ts';

function dotOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Distance in double precision. */
export function oracleDistance(distance: Distance, a: Float32Array, b: Float32Array): number {
  switch (distance) {
    case 'cosine': return 1 - dotOf(a, b) / Math.sqrt(dotOf(a, a) * dotOf(b, b) || 1);
    case 'l2': return Math.sqrt(a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0));
    case 'dot': return -dotOf(a, b);
    default: return distance satisfies never;
  }
}

/** What an index should hold, as a Map, searched by computing every distance. */
export class MapOracle {
  readonly vectors = new Map<number, Float32Array>();
  readonly #distance: Distance;

  constructor(distance: Distance) {
    this.#distance = distance;
  }

  apply(ops: readonly IndexOp[]): void {
    for (const op of ops) {
      if (op.type === 'put') this.vectors.set(op.id, op.vector);
      else this.vectors.delete(op.id);
    }
  }

  /** The k nearest, ties by id. */
  search(query: Float32Array, k: number): { readonly id: number; readonly distance: number }[] {
    return [...this.vectors].map(([id, vector]) => ({ id, distance: oracleDistance(this.#distance, query, vector) }))
      .sort((a, b) => a.distance - b.distance || a.id - b.id).slice(0, k);
  }

  distanceOf(query: Float32Array, id: number): number | undefined {
    const vector = this.vectors.get(id);
    return vector === undefined ? undefined : oracleDistance(this.#distance, query, vector);
  }
}

/** Share of the k nearest that was found; an answer as near as the k-th counts, so that ties do not. */
export function recallOf(found: readonly number[], truth: readonly { readonly id: number; readonly distance: number }[],
  distanceOf: (id: number) => number | undefined): number {
  if (truth.length === 0) return 1;
  const furthest = (truth[truth.length - 1] as { distance: number }).distance;
  const tolerance = 1e-5 * Math.max(1, Math.abs(furthest));
  return found.filter((id) => (distanceOf(id) ?? Infinity) <= furthest + tolerance).length / truth.length;
}
