import { ShoalError } from '@shoal/protocol';
import { rowOf } from '../engine/measured-engine.ts';
import type { BenchData } from './bench-target.ts';
import { Nearest, TIE, distanceOf } from './nearest-rows.ts';

/** The neighbours that a file of benchmark data names for its queries. */
export interface GroundTruth {
  /** Where they come from, for a message. */
  readonly file: string;
  /** The neighbours are those among so many rows, all that the file holds. */
  readonly rowCount: number;
  /** By query: rows, nearest first. */
  readonly neighbours: readonly ArrayLike<number>[];
}

/** Queries that are scanned for, to see whether the file means what is measured. */
const CHECKED_QUERIES = 3;

/** Throws `invalid_field` where the neighbours are not the nearest rows: another distance, other vectors, or other queries. */
export function checkGroundTruth({ data, queries, distance, truth }: BenchData): void {
  if (truth === undefined) return;
  const fail = (query: number, fault: string): never => {
    throw new ShoalError('invalid_field', `${truth.file}: the neighbours of query ${query} ${fault}.`, { field: 'ground-truth' });
  };
  for (let query = 0; query < queries.count; query += 1) {
    const neighbours = truth.neighbours[query];
    if (neighbours === undefined || neighbours.length === 0) return fail(query, 'are missing');
    const wrong = Array.from(neighbours).find((row) => !Number.isInteger(row) || row < 0 || row >= truth.rowCount);
    if (wrong !== undefined) fail(query, `name row ${wrong}, and there are ${truth.rowCount} rows`);
    if (query >= CHECKED_QUERIES) continue;
    const vector = rowOf(queries, query);
    const nearest = new Nearest(neighbours.length);
    for (let row = 0; row < truth.rowCount; row += 1) nearest.add(distanceOf(distance, vector, rowOf(data, row), nearest.worst));
    const farthest = Math.max(...Array.from(neighbours, (row) => distanceOf(distance, vector, rowOf(data, row), Infinity)));
    if (farthest > nearest.worst + Math.abs(nearest.worst) * (TIE - 1)) fail(query, `are not the nearest ones by ${distance}; name the distance that the file means with --distance`);
  }
}
