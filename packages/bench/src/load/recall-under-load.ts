import type { Distance } from '@shoal/index';
import { rowOf, type VectorRows } from '../engine/measured-engine.ts';
import type { BenchData } from './bench-target.ts';

/** A write of consecutive rows; times in milliseconds on one clock. */
export interface WriteSpan {
  readonly firstRow: number;
  readonly count: number;
  readonly sentAtMs: number;
  /** Infinite while it was not acknowledged as applied. */
  ackedAtMs: number;
}

export interface SampledSearch {
  readonly query: number;
  readonly rows: readonly number[];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface RecallFigures {
  readonly k: number;
  readonly sampleCount: number;
  readonly mean: number;
  readonly min: number;
  /** Results that no search at that time may return: rows never sent, or sent after the answer had come. */
  readonly phantomCount: number;
}

const TIE = 1 + 1e-5;

/** Lower is nearer; squared for l2, which orders alike. `limit` ends the sum early where it can only grow. */
function distanceOf(distance: Distance, a: Float32Array, b: Float32Array, limit: number): number {
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
class Nearest {
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

/**
 * Recall of answers that were given while writers wrote, against what was certainly there: the first `rows` rows and every write
 * acknowledged as applied before the search began. Rows written while the search ran may be in its answer or not; those
 * that are in it join the set that the answer is held against. A hit counts when it is as near as the true k-th neighbour, so equal
 * vectors under several keys do no harm.
 */
export class RecallOracle {
  readonly #data: VectorRows;
  readonly #queries: VectorRows;
  readonly #distance: Distance;
  readonly #rows: number;
  readonly #k: number;
  /** Per query, what the rows of the beginning have: samples of one query share it. */
  readonly #baseNearest = new Map<number, readonly number[]>();

  constructor({ data, queries, distance }: BenchData, rows: number, k: number) {
    this.#data = data;
    this.#queries = queries;
    this.#distance = distance;
    this.#rows = rows;
    this.#k = k;
  }

  measure(samples: readonly SampledSearch[], writes: readonly WriteSpan[]): RecallFigures | undefined {
    if (samples.length === 0) return undefined;
    let sum = 0;
    let min = 1;
    let phantomCount = 0;
    for (const sample of samples) {
      const { recall, phantoms } = this.#recallOf(sample, writes);
      sum += recall;
      min = Math.min(min, recall);
      phantomCount += phantoms;
    }
    return { k: this.#k, sampleCount: samples.length, mean: sum / samples.length, min, phantomCount };
  }

  #recallOf(sample: SampledSearch, writes: readonly WriteSpan[]): { recall: number; phantoms: number } {
    const query = rowOf(this.#queries, sample.query);
    const returned = new Set(sample.rows.slice(0, this.#k));
    const nearest = new Nearest(this.#k);
    for (const distance of this.#nearestOfBase(sample.query)) nearest.add(distance);
    for (const { firstRow, count, ackedAtMs } of writes) {
      if (ackedAtMs > sample.startedAtMs) continue;
      for (let row = firstRow; row < firstRow + count; row += 1) nearest.add(this.#distanceTo(query, row, nearest.worst));
    }
    const sent = (row: number): boolean => row < this.#rows || writes.some((write) => (
      row >= write.firstRow && row < write.firstRow + write.count && write.sentAtMs <= sample.endedAtMs));
    const certain = (row: number): boolean => row < this.#rows || writes.some((write) => (
      row >= write.firstRow && row < write.firstRow + write.count && write.ackedAtMs <= sample.startedAtMs));
    const genuine = [...returned].filter(sent);
    const distances = genuine.map((row) => this.#distanceTo(query, row, Infinity));
    genuine.forEach((row, index) => {
      if (!certain(row)) nearest.add(distances[index] ?? Infinity);
    });
    const limit = nearest.worst + Math.abs(nearest.worst) * (TIE - 1);
    const hits = distances.filter((distance) => distance <= limit).length;
    return { recall: hits / this.#k, phantoms: returned.size - genuine.length };
  }

  #nearestOfBase(query: number): readonly number[] {
    const known = this.#baseNearest.get(query);
    if (known !== undefined) return known;
    const vector = rowOf(this.#queries, query);
    const nearest = new Nearest(this.#k);
    const found: number[] = [];
    for (let row = 0; row < this.#rows; row += 1) {
      const distance = this.#distanceTo(vector, row, nearest.worst);
      if (distance >= nearest.worst) continue;
      nearest.add(distance);
      found.push(distance);
    }
    const least = found.sort((a, b) => a - b).slice(0, this.#k);
    this.#baseNearest.set(query, least);
    return least;
  }

  #distanceTo(query: Float32Array, row: number, limit: number): number {
    return distanceOf(this.#distance, query, rowOf(this.#data, row % this.#data.count), limit);
  }
}
