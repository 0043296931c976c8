/** Cuts a stream of vectors into requests of bounded size. */
import { parsePayload } from '@shoal/protocol';
import { CLIENT_LIMITS } from './limits.ts';

/** A JSON object, as it comes back from JSON. */
export type PayloadObject = Readonly<Record<string, unknown>>;

/** One vector to write. Components are float32: a Float32Array travels as it is, numbers are rounded by the server. */
export interface VectorToWrite<Payload extends object = PayloadObject> {
  readonly key: string;
  readonly values: Float32Array | readonly number[];
  /** A JSON object that is stored with the vector. */
  readonly payload?: Payload;
  /** Only when the vector has this sequence; 0: only when there is none. Otherwise the outcome is `conflict`. */
  readonly ifSequence?: number;
}

/** Many vectors: all at once, or as they come. */
export type VectorSource<Payload extends object = PayloadObject> = Iterable<VectorToWrite<Payload>> | AsyncIterable<VectorToWrite<Payload>>;

export interface BatchItem {
  readonly key: string;
  readonly values: Float32Array | readonly number[];
  /** UTF-8 JSON text. */
  readonly payload?: Uint8Array;
  readonly ifSequence?: number;
}

export interface VectorBatch {
  /** Position of the first item in the whole input, from 0. */
  readonly firstIndex: number;
  readonly items: readonly BatchItem[];
}

/** An upper estimate: numbers written as JSON take at most 24 characters and a comma, keys at most 6 per character when escaped. */
function estimatedBytes(item: BatchItem): number {
  const componentBytes = item.values instanceof Float32Array ? 4 : 25;
  return 64 + item.key.length * 6 + item.values.length * componentBytes + (item.payload?.length ?? 0);
}

/** Batches of at most `batchVectors` items and, by estimate, `CLIENT_LIMITS.batchBytes`. Throws `payload_too_large` or `invalid_field` for a payload. */
export async function* vectorBatches(vectors: VectorSource<object>, batchVectors: number): AsyncGenerator<VectorBatch> {
  let items: BatchItem[] = [];
  let bytes = 0;
  let firstIndex = 0;
  for await (const { key, values, payload, ifSequence } of vectors) {
    const field = `vectors[${firstIndex + items.length}].payload`;
    const item: BatchItem = {
      key,
      values,
      ...(payload === undefined ? {} : { payload: parsePayload(payload, field) }),
      ...(ifSequence === undefined ? {} : { ifSequence }),
    };
    const itemBytes = estimatedBytes(item);
    if (items.length >= batchVectors || (items.length > 0 && bytes + itemBytes > CLIENT_LIMITS.batchBytes)) {
      yield { firstIndex, items };
      firstIndex += items.length;
      items = [];
      bytes = 0;
    }
    items.push(item);
    bytes += itemBytes;
  }
  if (items.length > 0) yield { firstIndex, items };
}
