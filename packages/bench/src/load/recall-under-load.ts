import type { Distance } from '@shoal/index';
import { rowOf, type VectorRows } from '../engine/measured-engine.ts';
import type { BenchData } from './bench-target.ts';
import type { GroundTruth } from './ground-truth.ts';
import { Nearest, TIE, distanceOf } from './nearest-rows.ts';

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
  /** Where the exact neighbours among the first rows come from; a scan when absent. */
  readonly truth?: 'file' | 'scan';
  /** The mean of the searches of each of some equal spans of the run. */
  readonly overTime?: readonly RecallOfSpan[];
}

export interface RecallOfSpan {
  /** The middle of the span, seconds since the load began. */
  readonly second: number;
  readonly recall: number;
  readonly searchCount: number;
}

/** Milliseconds on the clock of the samples. */
export interface LoadSpan {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

interface JudgedSearch {
  readonly startedAtMs: number;
  readonly recall: number;
}

const meanRecall = (judged: readonly JudgedSearch[]): number => judged.reduce((sum, { recall }) => sum + recall, 0) / judged.length;

/** Spans hold so many searches on average, so that their means say something. */
const SEARCHES_OF_SPAN = 16;
const SPANS_MAXIMUM = 30;

function recallOverTime(judged: readonly JudgedSearch[], { startedAtMs, endedAtMs }: LoadSpan): readonly RecallOfSpan[] {
  const spanCount = Math.min(SPANS_MAXIMUM, Math.max(1, Math.floor(judged.length / SEARCHES_OF_SPAN)));
  const spanMs = (endedAtMs - startedAtMs) / spanCount;
  const bySpan = Map.groupBy(judged, (search) => Math.min(spanCount - 1, Math.max(0, Math.floor((search.startedAtMs - startedAtMs) / spanMs))));
  return [...bySpan].sort(([a], [b]) => a - b).map(([span, searches]) => ({ second: ((span + 0.5) * spanMs) / 1000, recall: meanRecall(searches), searchCount: searches.length }));
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
  /** Used where it is about just the rows that are there, and names enough of them. */
  readonly #truth: GroundTruth | undefined;
  /** Per query, what the rows of the beginning have: samples of one query share it. */
  readonly #baseNearest = new Map<number, readonly number[]>();

  constructor({ data, queries, distance, truth }: BenchData, rows: number, k: number) {
    this.#data = data;
    this.#queries = queries;
    this.#distance = distance;
    this.#rows = rows;
    this.#k = k;
    this.#truth = truth?.rowCount === rows && truth.neighbours.every(({ length }) => length >= k) ? truth : undefined;
  }

  /** `span` is when the load began and ended; without it nothing is told over time. */
  measure(samples: readonly SampledSearch[], writes: readonly WriteSpan[], span?: LoadSpan): RecallFigures | undefined {
    if (samples.length === 0) return undefined;
    const judged = samples.map((sample) => ({ startedAtMs: sample.startedAtMs, ...this.#recallOf(sample, writes) }));
    return {
      k: this.#k, sampleCount: judged.length, mean: meanRecall(judged),
      min: judged.reduce((least, { recall }) => Math.min(least, recall), 1),
      phantomCount: judged.reduce((sum, { phantoms }) => sum + phantoms, 0),
      truth: this.#truth === undefined ? 'scan' : 'file',
      ...(span === undefined ? {} : { overTime: recallOverTime(judged, span) }),
    };
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
    const least = this.#truth === undefined ? this.#scan(query) : this.#namedNeighbours(this.#truth, query);
    this.#baseNearest.set(query, least);
    return least;
  }

  #namedNeighbours({ neighbours }: GroundTruth, query: number): readonly number[] {
    const vector = rowOf(this.#queries, query);
    return Array.from(neighbours[query] ?? []).slice(0, this.#k).map((row) => this.#distanceTo(vector, row, Infinity)).sort((a, b) => a - b);
  }

  #scan(query: number): readonly number[] {
    const vector = rowOf(this.#queries, query);
    const nearest = new Nearest(this.#k);
    const found: number[] = [];
    for (let row = 0; row < this.#rows; row += 1) {
      const distance = this.#distanceTo(vector, row, nearest.worst);
      if (distance >= nearest.worst) continue;
      nearest.add(distance);
      found.push(distance);
    }
    return found.sort((a, b) => a - b).slice(0, this.#k);
  }

  #distanceTo(query: Float32Array, row: number, limit: number): number {
    return distanceOf(this.#distance, query, rowOf(this.#data, row % this.#data.count), limit);
  }
}
