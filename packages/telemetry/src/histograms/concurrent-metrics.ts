import { ERROR_REGISTRY, type ErrorCode } from '@shoal/protocol';
import { BUCKET_COUNT, bucketOf } from './latency-buckets.ts';
import { percentileOf, summarise, type LatencyHistogram, type PercentileEstimate } from './latency-histogram.ts';
import { OPERATIONS, type Operation, type OperationMetrics, type OperationSnapshot, type OperationSnapshots, type OperationSummary } from './operation-metrics.ts';

/** Codes in the order of their cells. Both sides of a shared memory run the same release, so the order needs no version. */
const ERROR_CODES = Object.keys(ERROR_REGISTRY) as readonly ErrorCode[];
const ERROR_CELL = new Map(ERROR_CODES.map((code, index) => [code, index]));

const SUM_CELL = BUCKET_COUNT;
const FIRST_ERROR_CELL = BUCKET_COUNT + 1;
const CELLS_PER_OPERATION = FIRST_ERROR_CELL + ERROR_CODES.length;

const FIRST_CELL = Object.fromEntries(OPERATIONS.map((operation, index) => [operation, index * CELLS_PER_OPERATION])) as Readonly<Record<Operation, number>>;

/** Bytes of shared memory that one ConcurrentMetrics takes. */
export const CONCURRENT_METRICS_BYTES = OPERATIONS.length * CELLS_PER_OPERATION * BigUint64Array.BYTES_PER_ELEMENT;

export type TimedOperation = 'VectorInsert' | 'VectorSearch' | 'VectorDelete';

/**
 * Counters and latency histograms in shared memory, for every thread that is given `buffer`.
 *
 *     per operation, unsigned 64-bit cells:  20 buckets | sum of durations, ns | errors, one cell per code of the registry
 *
 * Invariants:
 * 1. Recording takes no lock and loses nothing, whatever other threads do: each cell is changed by one atomic addition.
 * 2. A cell never decreases, and the number of operations is the sum of the buckets: no snapshot can contradict itself there.
 *    The sum of durations may lead or trail the buckets by the operations being recorded at that moment.
 */
export class ConcurrentMetrics implements OperationMetrics {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigUint64Array<SharedArrayBuffer>;

  /** Over memory that another thread made, or over new memory. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(CONCURRENT_METRICS_BYTES)) {
    this.buffer = buffer;
    this.#cells = new BigUint64Array(buffer, 0, OPERATIONS.length * CELLS_PER_OPERATION);
  }

  record(operation: Operation, durationUs: number, count = 1): void {
    const first = firstCellOf(operation);
    // Nearly all counts are 1, and making a big integer costs more than adding it.
    const times = count === 1 ? 1n : BigInt(count);
    Atomics.add(this.#cells, first + bucketOf(durationUs), times);
    if (!(durationUs > 0 && durationUs < Number.MAX_SAFE_INTEGER)) return;
    const durationNs = BigInt(Math.round(durationUs * 1000));
    Atomics.add(this.#cells, first + SUM_CELL, count === 1 ? durationNs : durationNs * times);
  }

  recordError(operation: Operation, code: ErrorCode, count = 1): void {
    Atomics.add(this.#cells, firstCellOf(operation) + FIRST_ERROR_CELL + (ERROR_CELL.get(code) ?? 0), BigInt(count));
  }

  recordInsert(durationUs: number): void {
    this.record('VectorInsert', durationUs);
  }

  recordSearch(durationUs: number): void {
    this.record('VectorSearch', durationUs);
  }

  recordDelete(durationUs: number): void {
    this.record('VectorDelete', durationUs);
  }

  histogram(operation: Operation): LatencyHistogram {
    const first = firstCellOf(operation);
    const buckets = Array.from({ length: BUCKET_COUNT }, (_, bucket) => this.#read(first + bucket));
    return { buckets, sumNs: this.#read(first + SUM_CELL) };
  }

  insertPercentile(percent: number): PercentileEstimate | undefined {
    return percentileOf(this.histogram('VectorInsert'), percent);
  }

  searchPercentile(percent: number): PercentileEstimate | undefined {
    return percentileOf(this.histogram('VectorSearch'), percent);
  }

  deletePercentile(percent: number): PercentileEstimate | undefined {
    return percentileOf(this.histogram('VectorDelete'), percent);
  }

  snapshot(): OperationSnapshots {
    return Object.fromEntries(OPERATIONS.map((operation) => [operation, this.#snapshotOf(operation)])) as Record<Operation, OperationSnapshot>;
  }

  /** Count, average, p50, p95 and p99 of every operation type, and its errors. */
  summary(): Readonly<Record<Operation, OperationSummary>> {
    return Object.fromEntries(OPERATIONS.map((operation) => [operation, summaryOf(this.#snapshotOf(operation))])) as Record<Operation, OperationSummary>;
  }

  #snapshotOf(operation: Operation): OperationSnapshot {
    const first = firstCellOf(operation) + FIRST_ERROR_CELL;
    const errors: Partial<Record<ErrorCode, number>> = {};
    for (const [index, code] of ERROR_CODES.entries()) {
      const count = this.#read(first + index);
      if (count > 0) errors[code] = count;
    }
    return { latency: this.histogram(operation), errors };
  }

  /** Exact up to 2^53. Sums of durations beyond it (104 days of work) are rounded by a few nanoseconds. */
  #read(cell: number): number {
    return Number(Atomics.load(this.#cells, cell));
  }
}

function firstCellOf(operation: Operation): number {
  return FIRST_CELL[operation];
}

export function summaryOf({ latency, errors }: OperationSnapshot): OperationSummary {
  const errorCount = Object.values(errors).reduce((sum, count) => sum + count, 0);
  return { latency: summarise(latency), errorCount, errors };
}
