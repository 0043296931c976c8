import type { MutationLog } from '@shoal/bus';
import {
  ERROR_REGISTRY, ShoalError, filterBytes, parsePartition,
  type ItemFailure, type Partition, type SearchAnswer, type SearchHit, type SearchRequestBody,
} from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Clock, Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { FetchPath } from './fetch-path.ts';
import { mergeHits } from './merge.ts';
import { partitionsOf, type PlacedPartition } from './placed-embedding.ts';
import { mayBeUnknownReceipt, refuseUnknownReceipt, requiredSequence } from './receipts.ts';
import type { SearchCaller, SearchWork } from './search-lane.ts';
import type { SlotDispatcher } from './slot-dispatcher.ts';

export interface SearchPathDependencies {
  readonly log: MutationLog;
  readonly dispatcher: SlotDispatcher;
  readonly fetchPath: FetchPath;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface SearchOutcome {
  /** One list per query, nearest first. */
  readonly hits: readonly (readonly SearchHit[])[];
  /** Partitions that did not answer; only ever filled where the caller allowed it. */
  readonly missingPartitions: readonly Partition[];
  /** The path of most of the distance computations. */
  readonly path: SearchAnswer['path'];
  readonly distanceComputations: number;
}

/** Scatters a search over the partitions of an embedding and merges the answers. */
export class SearchPath {
  readonly #dependencies: SearchPathDependencies;

  constructor(dependencies: SearchPathDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Throws `vector_not_found` (search by key), `receipt_unknown`, and for a partition that failed
   * its own error, naming it, unless the request allows an answer without it. An answer without any partition is never given.
   */
  async search(record: EmbeddingRecord, request: SearchRequestBody, caller: SearchCaller): Promise<SearchOutcome> {
    const { clock, log } = this.#dependencies;
    refuseExcessive(record, request);
    const deadlineMs = clock.nowMs() + request.timeoutMs;
    const vectors = await this.#queryVectors(record, request, deadlineMs, caller);
    const placed = partitionsOf(record, log.slots);
    const shared = sharedWork(record, request);
    const perPartition = await Promise.all(placed.map((place) => this.#searchPartition(record, request, shared, place, vectors, deadlineMs, caller)));
    const answered: (readonly SearchAnswer[])[] = [];
    const missingPartitions: Partition[] = [];
    let firstFailure: ShoalError | undefined;
    for (const [index, result] of perPartition.entries()) {
      if (!(result instanceof ShoalError)) {
        answered.push(result);
        continue;
      }
      firstFailure ??= result;
      missingPartitions.push(parsePartition(index));
    }
    if (answered.length === 0 && firstFailure !== undefined) throw firstFailure;
    return gather(answered, vectors.length, request, missingPartitions);
  }

  /** The answers of one partition, one per query; its error where the request allows an answer without it. */
  async #searchPartition(record: EmbeddingRecord, request: SearchRequestBody, work: SharedWork, place: PlacedPartition, vectors: readonly Float32Array[], deadlineMs: number, caller: SearchCaller): Promise<readonly SearchAnswer[] | ShoalError> {
    const shared = { ...work, partition: place.partition, after: requiredSequence(record, place.partition, place.slot, request.after) };
    const results = await Promise.all(vectors.map((vector) => this.#dependencies.dispatcher.search(place.slot, { ...shared, vector }, deadlineMs, caller)));
    const failure = results.find((result): result is ItemFailure => !result.ok);
    if (failure === undefined) return results as SearchAnswer[];
    const error = await this.#partitionError(place, failure, request);
    if (!request.allowPartial || !ERROR_REGISTRY[error.code].retryable) throw error;
    return error;
  }

  async #queryVectors(record: EmbeddingRecord, { query, after }: SearchRequestBody, deadlineMs: number, { span }: SearchCaller): Promise<readonly Float32Array[]> {
    switch (query.type) {
      case 'vector':
        return [query.vector];
      case 'vectors':
        return query.vectors;
      case 'key':
        return [(await this.#dependencies.fetchPath.fetch(record, query.key, after, deadlineMs, span)).values];
    }
  }

  async #partitionError({ partition, slot }: PlacedPartition, failure: ItemFailure, { after }: SearchRequestBody): Promise<ShoalError> {
    if (mayBeUnknownReceipt(failure.error)) await refuseUnknownReceipt(this.#dependencies.log, slot, after, this.#dependencies.timers);
    return new ShoalError(failure.error, `Partition ${partition} (slot ${slot}) failed: ${failure.message}`);
  }
}

/** What the searches of one request have in common. */
type SharedWork = Omit<SearchWork, 'vector' | 'partition' | 'after'>;

function sharedWork({ spec }: EmbeddingRecord, { k, offset, ef, path, rerank, includeValues, includePayload, filter, maxDistance }: SearchRequestBody): SharedWork {
  return {
    code: spec.code, k: k + offset, ef, path, rerank, includeValues, includePayload,
    ...(filter === undefined ? {} : { filter: filterBytes(filter, spec.fields) }),
    ...(maxDistance === undefined ? {} : { maxDistance }),
  };
}

function gather(answered: readonly (readonly SearchAnswer[])[], queries: number, { k, offset }: SearchRequestBody, missingPartitions: readonly Partition[]): SearchOutcome {
  const hits: (readonly SearchHit[])[] = [];
  for (let query = 0; query < queries; query += 1) {
    hits.push(mergeHits(answered.map((answers) => answers[query]?.hits ?? []), k + offset).slice(offset));
  }
  const byPath = { exact: 0, rabitq: 0, flat: 0 };
  let path: SearchAnswer['path'] = answered[0]?.[0]?.path ?? 'flat';
  let distanceComputations = 0;
  for (const answer of answered.flat()) {
    distanceComputations += answer.distanceComputations;
    byPath[answer.path] += answer.distanceComputations;
    if (byPath[answer.path] > byPath[path]) path = answer.path;
  }
  return { hits, missingPartitions, path, distanceComputations };
}

/** Refuses requests whose answers would be beyond all bounds. */
function refuseExcessive({ spec }: EmbeddingRecord, request: SearchRequestBody): void {
  const queries = request.query.type === 'vectors' ? request.query.vectors.length : 1;
  const searches = queries * spec.partitions;
  refuseAbove('vectors', 'searches (queries times partitions)', searches, GATEWAY_LIMITS.searchItemsPerRequest);
  const hits = searches * (request.k + request.offset);
  refuseAbove('k', 'hits (queries times partitions times k)', hits, GATEWAY_LIMITS.gatheredHitsPerRequest);
  if (request.includeValues) refuseAbove('include', 'components of values', hits * spec.dim, GATEWAY_LIMITS.gatheredComponentsPerRequest);
  if (request.includePayload) refuseAbove('include', 'payloads', hits, GATEWAY_LIMITS.gatheredPayloadsPerRequest);
}

function refuseAbove(field: string, what: string, count: number, limit: number): void {
  if (count > limit) {
    throw new ShoalError('invalid_field', `The request would gather ${count} ${what}; the limit is ${limit}. Send less per request.`, { field, limit });
  }
}
