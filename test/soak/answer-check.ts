import type { SearchHits, SearchRequest } from '@shoal/index';
import type { LifeRecord } from './life-record.ts';

export function euclidean(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}

const TOLERANCE = 1e-4;

/**
 * What is wrong with an answer, by what lived at the stamp it says it saw: an id that did not live then, a distance that is not that
 * vector's, an id twice, a wrong order, more results than wanted, a stamp of the past or the future.
 */
export function faultsOf(request: SearchRequest, hits: SearchHits, record: LifeRecord, dispatchedAtStamp: number): string[] {
  const faults: string[] = [];
  const at = `at stamp ${hits.stamp} on ${hits.path}`;
  if (hits.stamp < dispatchedAtStamp) faults.push(`an answer of stamp ${hits.stamp} to a search that began at ${dispatchedAtStamp}`);
  if (hits.stamp > record.newestStamp) faults.push(`an answer of stamp ${hits.stamp} when the newest group is ${record.newestStamp}`);
  if (hits.ids.length > request.k || hits.ids.length !== hits.distances.length) faults.push(`${hits.ids.length} ids and ${hits.distances.length} distances for the ${request.k} nearest ${at}`);
  if (new Set(hits.ids).size !== hits.ids.length) faults.push(`an id twice ${at}`);
  hits.ids.forEach((id, rank) => {
    const vector = record.at(id, hits.stamp);
    const distance = hits.distances[rank] as number;
    if (vector === undefined) faults.push(`phantom ${id} ${at}`);
    // Asked so that a distance that is no number is a fault too.
    else if (!(Math.abs(euclidean(request.vector, vector) - distance) <= TOLERANCE)) faults.push(`distance ${distance} of ${id} should be ${euclidean(request.vector, vector)} ${at}`);
    if (rank > 0 && distance < (hits.distances[rank - 1] as number)) faults.push(`wrong order: rank ${rank} is nearer than the one before it ${at}`);
  });
  return faults;
}

export interface Completeness {
  readonly faults: readonly string[];
  /** Share of the true nearest that the answer holds; one as near as the k-th counts. */
  readonly recall: number;
}

/** Compares with a scan of everything that lived at the answer's stamp; an answer of the path `flat` must hold exactly the nearest. */
export function completenessOf(request: SearchRequest, hits: SearchHits, record: LifeRecord): Completeness {
  const distances = Array.from(record.liveAt(hits.stamp), ([, vector]) => euclidean(request.vector, vector)).sort((a, b) => a - b);
  const wanted = Math.min(request.k, distances.length);
  const furthest = (distances[wanted - 1] ?? 0) + TOLERANCE;
  // Before the first group there is nothing to find, and nothing is all of it.
  const recall = wanted === 0 ? 1 : hits.distances.filter((distance) => distance <= furthest).length / wanted;
  const faults: string[] = [];
  if (hits.ids.length !== wanted) faults.push(`${hits.ids.length} results where ${wanted} live at stamp ${hits.stamp} on ${hits.path}`);
  else if (hits.path === 'flat' && recall < 1) faults.push(`a scan missed some of the nearest at stamp ${hits.stamp}`);
  return { faults, recall };
}
