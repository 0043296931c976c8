import {
  LIMITS,
  ShoalError,
  mergeReceipts,
  parseReceipt,
  parseVectorKey,
  receiptToJson,
  type DeleteResponse,
  type EmbeddingDescription,
  type EmbeddingResponse,
  type FieldType,
  type Receipt,
  type ReceiptJson,
  type SearchResponse,
  type VectorResponse,
  type Wait,
} from '@shoal/protocol';
import { ShoalClientError } from './client-error.ts';
import type { CallOptions, WriteCallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import type { Filter } from './filter.ts';
import { CLIENT_LIMITS } from './limits.ts';
import {
  countVectors,
  deleteMatching,
  scrollVectors,
  updatePayloads,
  type DeletedVectors,
  type PayloadUpdate,
  type ReadOptions,
  type ScrolledVector,
  type ScrollOptions,
  type UpdateOptions,
} from './payload-calls.ts';
import {
  probeVector,
  queryOf,
  searchBody,
  searchCallOptions,
  toSearchAnswer,
  toSearchGroupsAnswer,
  toSearchManyAnswer,
  type SearchAnswer,
  type SearchGroupsAnswer,
  type SearchGroupsRequest,
  type SearchManyAnswer,
  type SearchManyRequest,
  type SearchRequest,
} from './search.ts';
import { jsonBody } from './tenants-api.ts';
import type { PayloadObject, VectorSource } from './vector-batches.ts';
import { partOptions, writeVectors, type ItemOutcome, type WriteOptions, type WriteResult } from './write-vectors.ts';

export interface StoredVector<Payload extends object = PayloadObject> {
  readonly key: string;
  readonly values: Float32Array;
  readonly payload?: Payload;
  /** Of the last message that changed the vector or its payload; for `ifSequence`. */
  readonly sequence?: number;
}

export interface DeleteOptions extends WriteCallOptions {
  readonly wait?: Wait;
}

/** Where a vector is read. The keys `.` and `..` mean places in a URL, so they travel behind it. */
function vectorPath(vectorsPath: string, key: string): string {
  parseVectorKey(key);
  return key === '.' || key === '..' ? `${vectorsPath}?key=${key}` : `${vectorsPath}/${encodeURIComponent(key)}`;
}

/**
 * One embedding by name. Making a handle sends nothing; every method fails with ShoalError. `Payload` is what the application stores with its vectors;
 * it is taken on trust.
 */
export class EmbeddingHandle<Payload extends object = PayloadObject> {
  readonly name: string;
  readonly #transport: HttpTransport;
  readonly #path: string;

  constructor(transport: HttpTransport, name: string) {
    this.#transport = transport;
    this.name = name;
    this.#path = `/v1/embeddings/${encodeURIComponent(name)}`;
  }

  /** Specification, counts and memory. */
  async describe(options: CallOptions = {}): Promise<EmbeddingResponse> {
    return (await this.#transport.call({ method: 'GET', path: this.#path }, options)) as EmbeddingResponse;
  }

  /** Drops the embedding with all its vectors. A retried drop that finds it gone has succeeded. */
  async drop(options: CallOptions = {}): Promise<void> {
    try {
      await this.#transport.call({ method: 'DELETE', path: this.#path }, options);
    } catch (error) {
      const isGone = error instanceof ShoalClientError && (error.code === 'embedding_not_found' || error.code === 'embedding_dropped');
      if (!isGone || error.attempts === 1) throw error;
    }
  }

  /** Writes vectors, replacing those that have the same keys. Safe to retry, and retried. */
  async upsert(vectors: VectorSource<Payload>, options: WriteOptions = {}): Promise<WriteResult> {
    return await writeVectors(this.#transport, `${this.#path}/vectors`, vectors, undefined, options);
  }

  /**
   * Writes vectors, leaving alone those whose keys exist. Retried like `upsert`; after a retry, `exists` may mean that the first
   * attempt, whose answer was lost, created the vector.
   */
  async insert(vectors: VectorSource<Payload>, options: WriteOptions = {}): Promise<WriteResult> {
    return await writeVectors(this.#transport, `${this.#path}/vectors`, vectors, 'insert', options);
  }

  /** The vector stored under a key; undefined when there is none. */
  async get(key: string, options: CallOptions = {}): Promise<StoredVector<Payload> | undefined> {
    try {
      const path = vectorPath(`${this.#path}/vectors`, key);
      const { values, payload, sequence } = (await this.#transport.call({ method: 'GET', path }, options)) as VectorResponse;
      return { key, values: Float32Array.from(values), ...(payload === undefined ? {} : { payload: payload as Payload }), ...(sequence === undefined ? {} : { sequence }) };
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'vector_not_found') return undefined;
      throw error;
    }
  }

  /** Deletes by key; keys that do not exist do no harm. Safe to retry, and retried; after a retry `absent` may mean that the first attempt deleted. */
  async delete(keys: readonly string[], options: DeleteOptions = {}): Promise<WriteResult> {
    let receipt: Receipt = new Map();
    let accepted = 0;
    const outcomes: ItemOutcome[] = [];
    for (let start = 0; start < keys.length; start += LIMITS.keysPerRequest) {
      const content = JSON.stringify({ keys: keys.slice(start, start + LIMITS.keysPerRequest), wait: options.wait });
      const call = { method: 'POST', once: true, path: `${this.#path}/delete`, body: { mediaType: 'application/json', content } } as const;
      const response = (await this.#transport.call(call, partOptions(options, start))) as DeleteResponse;
      accepted += response.accepted;
      receipt = mergeReceipts([receipt, parseReceipt(response.receipt, LIMITS.slots, 'receipt')]);
      if (response.outcomes !== undefined) for (const outcome of response.outcomes) outcomes.push(outcome);
    }
    return { accepted, receipt: receiptToJson(receipt), ...(outcomes.length === 0 ? {} : { outcomes }) };
  }

  /** Changes payloads and leaves the vectors; keys that do not exist have the outcome `absent`. Safe to retry, and retried. */
  async updatePayloads(updates: readonly PayloadUpdate<Payload>[], options: UpdateOptions = {}): Promise<WriteResult> {
    return await updatePayloads(this.#transport, this.#path, updates, options);
  }

  /** Deletes every vector that passes the filter where the delete stands in the log: what is written later stays. */
  async deleteMatching(filter: Filter<Payload>, options: DeleteOptions = {}): Promise<DeletedVectors> {
    return await deleteMatching(this.#transport, this.#path, filter, options);
  }

  /** How many vectors there are, or pass a filter. */
  async count(options: ReadOptions<Payload> = {}): Promise<number> {
    return await countVectors(this.#transport, this.#path, options);
  }

  /** All vectors, or those that pass a filter. No key comes twice, and what lives from the beginning to the end comes once, whatever is written meanwhile. */
  scroll(options: ScrollOptions<Payload> = {}): AsyncGenerator<ScrolledVector<Payload>> {
    return scrollVectors(this.#transport, this.#path, options) as AsyncGenerator<ScrolledVector<Payload>>;
  }

  /** Declares fields of payloads that filters may name, beside those that are declared. Repeating it changes nothing. */
  async declareFields(fields: { readonly [Field in keyof Payload & string]?: FieldType }, options: CallOptions = {}): Promise<EmbeddingDescription> {
    return (await this.#transport.call({ method: 'POST', path: `${this.#path}/fields`, body: jsonBody({ fields }) }, options)) as EmbeddingDescription;
  }

  /** The nearest neighbours of a vector, or of the vector stored under a key. */
  async search(request: SearchRequest<Payload>): Promise<SearchAnswer<Payload>> {
    return toSearchAnswer(await this.#search(request)) as SearchAnswer<Payload>;
  }

  /** The nearest groups of neighbours with the same value of a declared field. */
  async searchGroups(request: SearchGroupsRequest<Payload>): Promise<SearchGroupsAnswer<Payload>> {
    return toSearchGroupsAnswer(await this.#search(request)) as SearchGroupsAnswer<Payload>;
  }

  /** Several searches in one request, 1 to 256. */
  async searchMany(request: SearchManyRequest<Payload>): Promise<SearchManyAnswer<Payload>> {
    return toSearchManyAnswer(await this.#search(request)) as SearchManyAnswer<Payload>;
  }

  /**
   * Returns once searches include everything that a receipt proves. `timeoutMs` (30,000 by default) bounds the whole wait, and
   * its end is `receipt_timeout` or `deadline_exceeded`.
   */
  async waitUntilApplied(receipt: ReceiptJson, options: CallOptions = {}): Promise<void> {
    if (Object.keys(receipt).length === 0) return;
    const deadlineMs = this.#transport.now() + (options.timeoutMs ?? CLIENT_LIMITS.defaultTimeoutMs);
    const { dim } = await this.describe(options);
    const vector = probeVector(dim);
    for (;;) {
      const leftMs = Math.max(1, Math.ceil(deadlineMs - this.#transport.now()));
      const timeoutMs = Math.min(leftMs, CLIENT_LIMITS.appliedProbeMs);
      try {
        await this.search({ vector, k: 1, after: receipt, timeoutMs, ...(options.signal === undefined ? {} : { signal: options.signal }) });
        return;
      } catch (error) {
        const isUnfinished = error instanceof ShoalError && (error.code === 'receipt_timeout' || error.code === 'deadline_exceeded');
        if (!isUnfinished || this.#transport.now() >= deadlineMs) throw error;
      }
    }
  }

  async #search(request: SearchRequest<Payload> | SearchManyRequest<Payload>): Promise<SearchResponse> {
    const content = searchBody(queryOf(request), request);
    const call = { method: 'POST', path: `${this.#path}/search`, body: { mediaType: 'application/json', content } } as const;
    return (await this.#transport.call(call, searchCallOptions(request))) as SearchResponse;
  }
}
