/** Calls about payloads: changing them, and reading, counting and deleting vectors by filters on them. */
import { LIMITS, mergeReceipts, parseReceipt, receiptToJson, type CountResponse, type DeleteResponse, type PayloadMode, type Receipt, type ReceiptJson, type ScrollResponse, type Wait, type WriteResponse } from '@shoal/protocol';
import type { CallOptions, WriteCallOptions } from './client-options.ts';
import type { Filter } from './filter.ts';
import type { HttpTransport } from './http-transport.ts';
import { jsonBody } from './tenants-api.ts';
import type { PayloadObject } from './vector-batches.ts';
import { partOptions, type ItemOutcome, type WriteResult } from './write-vectors.ts';

export interface PayloadUpdate<Payload extends object = PayloadObject> {
  readonly key: string;
  /** With mode `merge`, members that are null are removed and those that are missing stay. */
  readonly payload: { readonly [Member in keyof Payload]?: Payload[Member] | null };
  /** Only when the vector has this sequence. */
  readonly ifSequence?: number;
}

export interface UpdateOptions extends WriteCallOptions {
  /** `merge` (the default) is a JSON merge patch, `replace` gives the whole payload. */
  readonly mode?: PayloadMode;
  readonly wait?: Wait;
}

export interface ReadOptions<Payload extends object = PayloadObject> extends CallOptions {
  readonly filter?: Filter<Payload>;
  /** The answer includes everything that this receipt proves. */
  readonly after?: ReceiptJson;
}

export interface ScrollOptions<Payload extends object = PayloadObject> extends ReadOptions<Payload> {
  readonly include?: readonly ('values' | 'payload')[];
  /** Vectors per request, at most 1,000; 100 by default. */
  readonly pageSize?: number;
}

export interface ScrolledVector<Payload extends object = PayloadObject> {
  readonly key: string;
  /** Changes with every change of the vector or its payload. */
  readonly sequence: number;
  readonly values?: Float32Array;
  readonly payload?: Payload;
}

export interface DeletedVectors {
  readonly receipt: ReceiptJson;
  /** How many; with `wait: "applied"`, as long as the shards remember. */
  readonly deleted?: number;
}

export async function updatePayloads<Payload extends object>(transport: HttpTransport, path: string, updates: readonly PayloadUpdate<Payload>[], { mode, wait, ...options }: UpdateOptions): Promise<WriteResult> {
  let receipt: Receipt = new Map();
  let accepted = 0;
  const outcomes: ItemOutcome[] = [];
  for (let start = 0; start < updates.length; start += LIMITS.updatesPerRequest) {
    const body = jsonBody({ updates: updates.slice(start, start + LIMITS.updatesPerRequest), mode, wait });
    const response = (await transport.call({ method: 'POST', once: true, path: `${path}/payloads`, body }, partOptions(options, start))) as WriteResponse;
    accepted += response.accepted;
    receipt = mergeReceipts([receipt, parseReceipt(response.receipt, LIMITS.slots, 'receipt')]);
    if (response.outcomes !== undefined) for (const outcome of response.outcomes) outcomes.push(outcome);
  }
  return { accepted, receipt: receiptToJson(receipt), ...(outcomes.length === 0 ? {} : { outcomes }) };
}

export async function deleteMatching(transport: HttpTransport, path: string, filter: object, { wait, ...options }: WriteCallOptions & { readonly wait?: Wait }): Promise<DeletedVectors> {
  const response = (await transport.call({ method: 'POST', once: true, path: `${path}/delete`, body: jsonBody({ filter, wait }) }, options)) as DeleteResponse;
  return { receipt: response.receipt, ...(response.deleted === undefined ? {} : { deleted: response.deleted }) };
}

export async function countVectors<Payload extends object>(transport: HttpTransport, path: string, { filter, after, ...options }: ReadOptions<Payload>): Promise<number> {
  const answer = (await transport.call({ method: 'POST', path: `${path}/count`, body: jsonBody({ filter, after, timeoutMs: options.timeoutMs }) }, options)) as CountResponse;
  return answer.count;
}

/** Pages are asked for as they are read; the deadline is that of each page. */
export async function* scrollVectors<Payload extends object>(transport: HttpTransport, path: string, { filter, after, include, pageSize, ...options }: ScrollOptions<Payload>): AsyncGenerator<ScrolledVector> {
  let cursor: string | undefined;
  do {
    const body = jsonBody({ filter, after, include, limit: pageSize, cursor, timeoutMs: options.timeoutMs });
    const page = (await transport.call({ method: 'POST', path: `${path}/scroll`, body }, options)) as ScrollResponse;
    for (const { values, ...vector } of page.vectors) yield values === undefined ? vector : { ...vector, values: Float32Array.from(values) };
    ({ cursor } = page);
  } while (cursor !== undefined);
}
