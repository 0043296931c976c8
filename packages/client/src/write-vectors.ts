/** Writes of any size: cut into batches, a bounded number in flight, one merged receipt. */
import {
  LIMITS,
  ShoalError,
  mergeReceipts,
  parseReceipt,
  receiptToJson,
  type Receipt,
  type ReceiptJson,
  type Wait,
  type WriteMode,
  type WriteResponse,
} from '@shoal/protocol';
import { ShoalClientError } from './client-error.ts';
import { parseWhole, type WriteCallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { CLIENT_LIMITS } from './limits.ts';
import { vectorBatches, type VectorBatch, type VectorSource } from './vector-batches.ts';
import { writeCall } from './write-body.ts';
import { WriteWindow } from './write-window.ts';

export type ItemOutcome = NonNullable<WriteResponse['outcomes']>[number];

export interface WriteOptions extends WriteCallOptions {
  /** `logged` (the default): the write is durable. `applied`: a shard has applied it, and outcomes are known. */
  readonly wait?: Wait;
  /** Vectors in one request; 500 by default. */
  readonly batchVectors?: number;
  /** Requests in flight at once; 4 by default. */
  readonly inFlight?: number;
  /** Called once for each acknowledged batch, in the order of acknowledgement. */
  readonly onBatch?: (batch: AcknowledgedBatch) => void;
}

export interface AcknowledgedBatch {
  /** Position of the first vector in the whole input, from 0. */
  readonly firstIndex: number;
  readonly vectorCount: number;
  readonly receipt: ReceiptJson;
  /** In the order of the vectors, when `wait` is `applied`. */
  readonly outcomes?: readonly ItemOutcome[];
}

export interface WriteResult {
  readonly accepted: number;
  /** Proof of everything that was written: the highest sequence of each slot. */
  readonly receipt: ReceiptJson;
  /** In the order of the input; only for an array with `wait: "applied"`, since a stream may be endless. */
  readonly outcomes?: readonly ItemOutcome[];
}

/** Makes the field of an error count from the start of the whole input instead of the batch. */
function placeInInput(error: unknown, firstIndex: number): unknown {
  if (firstIndex === 0 || !(error instanceof ShoalError)) return error;
  const match = /^vectors\[(\d+)\](.*)$/s.exec(error.field ?? '');
  if (match === null) return error;
  const field = `vectors[${Number(match[1]) + firstIndex}]${match[2] ?? ''}`;
  const message = `${error.message} Counted over the whole input it is ${field}.`;
  const detail = { field, cause: error, ...(error.limit === undefined ? {} : { limit: error.limit }) };
  if (!(error instanceof ShoalClientError)) return new ShoalError(error.code, message, detail);
  const { origin, retryable, httpStatus, requestId, serverCode } = error;
  return new ShoalClientError(error.code, message, {
    ...detail,
    origin,
    retryable,
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(serverCode === undefined ? {} : { serverCode }),
  });
}

/** The caller's idempotency key names the whole write; each of its requests has one of its own, which the same input cut the same way gives again. */
export function partOptions(options: WriteCallOptions, firstIndex: number): WriteCallOptions {
  return options.idempotencyKey === undefined ? options : { ...options, idempotencyKey: `${options.idempotencyKey}:${firstIndex}` };
}

/** What the batches have brought so far. */
class Acknowledgements {
  accepted = 0;
  receipt: Receipt = new Map();
  readonly #outcomes = new Map<number, readonly ItemOutcome[]>();
  readonly #keepOutcomes: boolean;

  constructor(keepOutcomes: boolean) {
    this.#keepOutcomes = keepOutcomes;
  }

  add(batch: VectorBatch, response: WriteResponse): AcknowledgedBatch {
    this.accepted += response.accepted;
    this.receipt = mergeReceipts([this.receipt, parseReceipt(response.receipt, LIMITS.slots, 'receipt')]);
    const { outcomes, receipt } = response;
    if (this.#keepOutcomes && outcomes !== undefined) this.#outcomes.set(batch.firstIndex, outcomes);
    return { firstIndex: batch.firstIndex, vectorCount: batch.items.length, receipt, ...(outcomes === undefined ? {} : { outcomes }) };
  }

  result(): WriteResult {
    const batches = [...this.#outcomes].sort(([a], [b]) => a - b);
    const outcomes = batches.flatMap(([, items]) => items);
    return { accepted: this.accepted, receipt: receiptToJson(this.receipt), ...(outcomes.length === 0 ? {} : { outcomes }) };
  }
}

/**
 * Writes all vectors of `source`. After a failed batch no further one starts; those in flight end (and are reported to `onBatch`),
 * then the first error is thrown. An aborted signal ends them at once.
 */
export async function writeVectors(
  transport: HttpTransport,
  vectorsPath: string,
  source: VectorSource<object>,
  mode: WriteMode | undefined,
  options: WriteOptions,
): Promise<WriteResult> {
  const batchVectors = parseWhole(options.batchVectors ?? CLIENT_LIMITS.defaultBatchVectors, 'batchVectors', 1, LIMITS.vectorsPerRequest);
  const inFlight = parseWhole(options.inFlight ?? CLIENT_LIMITS.defaultInFlight, 'inFlight', 1, CLIENT_LIMITS.maximumInFlight);
  const window = new WriteWindow(inFlight);
  const acknowledged = new Acknowledgements(Array.isArray(source));
  const send = async (batch: VectorBatch): Promise<void> => {
    try {
      const call = writeCall(vectorsPath, batch.items, { mode, wait: options.wait });
      const response = (await transport.call(call, partOptions(options, batch.firstIndex))) as WriteResponse;
      const acknowledgedBatch = acknowledged.add(batch, response);
      options.onBatch?.(acknowledgedBatch);
    } catch (error) {
      throw placeInInput(error, batch.firstIndex);
    }
  };
  try {
    for await (const batch of vectorBatches(source, batchVectors)) {
      const keys = new Set(batch.items.map((item) => item.key));
      await window.room(keys);
      options.signal?.throwIfAborted();
      if (window.failed) break;
      window.start(keys, () => send(batch));
    }
  } finally {
    await window.settle();
  }
  return acknowledged.result();
}
