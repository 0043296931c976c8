import { encodeCursor, type CountRequestBody, type ScrolledVector, type ScrollPosition, type ScrollRequestBody } from '@shoal/protocol';
import type { Clock } from '@shoal/pacing';
import type { MutationLog } from '@shoal/bus';
import type { TracedSpan } from '@shoal/telemetry';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { countItem, type PartitionReads } from './partition-reads.ts';
import { partitionsOf, type PlacedPartition } from './placed-embedding.ts';

export interface ScrollPathDependencies {
  readonly log: MutationLog;
  readonly reads: PartitionReads;
  readonly clock: Clock;
}

export interface ScrolledPage {
  readonly vectors: readonly ScrolledVector[];
  /** Leads to the next page; absent at the end. */
  readonly cursor?: string;
}

/** Reads all vectors of an embedding page by page, partition after partition, and counts them. */
export class ScrollPath {
  readonly #dependencies: ScrollPathDependencies;

  constructor(dependencies: ScrollPathDependencies) {
    this.#dependencies = dependencies;
  }

  async count(record: EmbeddingRecord, request: CountRequestBody, span?: TracedSpan): Promise<number> {
    const { log, reads, clock } = this.#dependencies;
    const deadlineMs = clock.nowMs() + request.timeoutMs;
    const placed = partitionsOf(record, log.slots);
    const answers = await Promise.all(placed.map((place) =>
      reads.ask(place, 'count', request.after, (timeoutMs) => countItem(record, place, request, timeoutMs), deadlineMs, span)));
    return answers.reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * A page is as long as was asked for, unless the end comes first, the vectors are large, or a filter passes so few that the search for more
   * would take too long; a page may be empty and not be the last.
   */
  async page(record: EmbeddingRecord, request: ScrollRequestBody, span?: TracedSpan): Promise<ScrolledPage> {
    const { log, clock } = this.#dependencies;
    const deadlineMs = clock.nowMs() + request.timeoutMs;
    const placed = partitionsOf(record, log.slots);
    const vectors: ScrolledVector[] = [];
    let position: ScrollPosition | undefined = request.position;
    for (let asked = 0; asked < GATEWAY_LIMITS.scrollPartitions && position !== undefined && vectors.length < request.limit; asked += 1) {
      const { found, next } = await this.#partitionPage(record, request, position, request.limit - vectors.length, deadlineMs, span);
      vectors.push(...found);
      const following: PlacedPartition | undefined = placed[position.partition + 1];
      // A partition that has more has told all that it does in one answer.
      if (next?.partition === position.partition) return { vectors, cursor: encodeCursor(record.spec.code, next) };
      position = following === undefined ? undefined : { partition: following.partition };
    }
    return position === undefined ? { vectors } : { vectors, cursor: encodeCursor(record.spec.code, position) };
  }

  async #partitionPage(record: EmbeddingRecord, request: ScrollRequestBody, { partition, afterKey }: ScrollPosition, limit: number, deadlineMs: number, span: TracedSpan | undefined): Promise<{ readonly found: readonly ScrolledVector[]; readonly next?: ScrollPosition }> {
    const { log, reads } = this.#dependencies;
    const place = partitionsOf(record, log.slots)[partition];
    if (place === undefined) return { found: [] };
    const { includeValues, includePayload, after } = request;
    const answer = await reads.ask(place, 'scroll', after, (timeoutMs) => ({
      ...countItem(record, place, request, timeoutMs), limit, includeValues, includePayload, ...(afterKey === undefined ? {} : { afterKey }),
    }), deadlineMs, span);
    return answer.scannedTo === undefined ? { found: answer.vectors } : { found: answer.vectors, next: { partition, afterKey: answer.scannedTo } };
  }
}
