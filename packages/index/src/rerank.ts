import { MAX_CANDIDATES } from '@shoal/kernel';
import { ExactDistances } from './exact-distance.ts';
import type { IndexSpec } from './index-spec.ts';
import { RERANK_READ_BYTES_MAX } from './limits.ts';
import type { SearchHits, SearchRequest } from './search-request.ts';

/** Candidates of a scan that get exact distances in any case: they show how far estimates err. */
const SCAN_LEAST = 32;
/** Errors of estimates ever seen in the scan are taken to reach so much farther in what is not seen. */
const ERROR_MARGIN = 1.5;

/** A search that asks for these has all the candidates there can be. */
export const DEEPEST: Pick<SearchRequest, 'path'> & { readonly rerankCount: number } = { path: 'flat', rerankCount: MAX_CANDIDATES };

interface Hit {
  readonly id: number;
  readonly distance: number;
}

/**
 * Chooses the nearest of the candidates of an index that keeps codes alone, by exact distance, as whoever drives it hands in their vectors. All
 * candidates of a walk are read. Those of a scan are read in the order of their estimates, until no later one can, by the greatest error met
 * so far, belong among the nearest.
 */
export class Rerank {
  readonly #candidates: SearchHits;
  readonly #k: number;
  readonly #places: number;
  readonly #distances: ExactDistances;
  readonly #idsPerRead: number;
  readonly #isScan: boolean;
  readonly #best: Hit[] = [];
  #next = 0;
  #error = 0;
  #goneCount = 0;
  #isCertain = false;

  /** `candidates`: what the kernel answered in `places` places, with estimates for distances. */
  constructor({ dim, distance }: IndexSpec, { vector, k }: SearchRequest, candidates: SearchHits, places: number) {
    this.#candidates = candidates;
    this.#k = k;
    this.#places = places;
    this.#distances = new ExactDistances(distance, vector);
    this.#idsPerRead = Math.max(1, Math.floor(RERANK_READ_BYTES_MAX / (4 * dim)));
    this.#isScan = candidates.path === 'flat' || candidates.strategy === 'scan';
  }

  /** The ids whose vectors to hand in next; none when the answer is there. */
  nextIds(): readonly number[] {
    if (this.#isCertain) return [];
    const wanted = this.#isScan ? Math.max(SCAN_LEAST, this.#k) : this.#candidates.ids.length;
    return [...this.#candidates.ids.subarray(this.#next, this.#next + Math.min(wanted, this.#idsPerRead))];
  }

  /** Takes the vectors of those ids, in their order. */
  take(vectors: readonly (Float32Array | undefined)[]): void {
    for (const vector of vectors) {
      const at = this.#next++;
      if (vector === undefined) {
        this.#goneCount++;
        continue;
      }
      const distance = this.#distances.of(vector);
      // A distance that is no number is nobody's.
      if (Number.isNaN(distance)) continue;
      this.#error = Math.max(this.#error, Math.abs(distance - (this.#candidates.distances[at] as number)));
      this.#offer({ id: this.#candidates.ids[at] as number, distance });
    }
    this.#isCertain = this.#isScan && this.#next >= SCAN_LEAST && this.#isBeyondReach();
  }

  /** Whether no candidate that is left can belong among the nearest. */
  #isBeyondReach(): boolean {
    const estimate = this.#candidates.distances[this.#next];
    const worst = this.#best[this.#k - 1];
    return estimate !== undefined && worst !== undefined && estimate - ERROR_MARGIN * this.#error > worst.distance;
  }

  #offer(hit: Hit): void {
    const worst = this.#best[this.#k - 1];
    if (worst !== undefined && !isNearer(hit, worst)) return;
    let low = 0;
    let high = this.#best.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isNearer(this.#best[middle] as Hit, hit)) low = middle + 1;
      else high = middle;
    }
    this.#best.splice(low, 0, hit);
    if (this.#best.length > this.#k) this.#best.pop();
  }

  /** Whether a deeper scan could find what this one did not: the candidates ended before the nearest were certain. */
  get needsDeeper(): boolean {
    return this.#isScan && !this.#isCertain && this.#candidates.ids.length === this.#places && this.#places < MAX_CANDIDATES;
  }

  hits(): SearchHits {
    const { path, strategy, stamp, distanceComputations } = this.#candidates;
    return {
      ids: Uint32Array.from(this.#best, ({ id }) => id),
      distances: Float32Array.from(this.#best, ({ distance }) => this.#distances.toPublic(distance)),
      path, strategy, stamp, distanceComputations: distanceComputations + this.#next, goneCount: this.#goneCount,
    };
  }
}

function isNearer(a: Hit, b: Hit): boolean {
  return a.distance < b.distance || (a.distance === b.distance && a.id < b.id);
}
