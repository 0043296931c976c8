import { DEFAULTS, IDEMPOTENCY_HEADER, LIMITS, ShoalError, parseIdempotencyKey, parseReceipt, parseSequence, parseVectorKey, parseWait, parseWriteOptions, type Receipt, type Sequence, type VectorKey, type Wait, type WriteOptions } from '@shoal/protocol';
import type { FastifyRequest } from 'fastify';

type Query = { readonly [name: string]: unknown };

/** A query string taken apart parameter by parameter; what is left over at the end is unknown. */
class QueryString {
  readonly #rest: Map<string, unknown>;

  constructor(request: FastifyRequest) {
    this.#rest = new Map(Object.entries(request.query as Query));
  }

  take(name: string): string | undefined {
    const value = this.#rest.get(name);
    this.#rest.delete(name);
    if (value !== undefined && typeof value !== 'string') {
      throw new ShoalError('invalid_field', `${name} must be given once.`, { field: name });
    }
    return value;
  }

  takeWholeNumber(name: string, fallback: number, maximum: number): number {
    const text = this.take(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < 1 || value > maximum) {
      throw new ShoalError('invalid_field', `${name} must be a whole number from 1 to ${maximum}.`, { field: name, limit: maximum });
    }
    return value;
  }

  takeTimeoutMs(fallbackMs: number): number {
    return this.takeWholeNumber('timeoutMs', fallbackMs, LIMITS.timeoutMs);
  }

  rest(): Query {
    return Object.fromEntries(this.#rest);
  }

  refuseRest(): void {
    for (const name of this.#rest.keys()) {
      throw new ShoalError('unknown_field', `There is no query parameter ${name.slice(0, 100)} here.`, { field: name.slice(0, 100) });
    }
  }
}

/** The idempotency key of a request, where it has one. */
export function idempotencyOf({ headers }: FastifyRequest): { readonly idempotencyKey?: string } {
  const value = headers[IDEMPOTENCY_HEADER];
  return value === undefined ? {} : { idempotencyKey: parseIdempotencyKey(value) };
}

/** For routes without parameters. */
export function refuseQuery(request: FastifyRequest): void {
  new QueryString(request).refuseRest();
}

/** `?timeoutMs=` of a write whose body holds the other options. */
export function writeTimeoutMs(request: FastifyRequest): number {
  const query = new QueryString(request);
  const timeoutMs = query.takeTimeoutMs(DEFAULTS.writeTimeoutMs);
  query.refuseRest();
  return timeoutMs;
}

/** `?mode=&wait=&timeoutMs=` of a write whose body holds vectors only. */
export function writeOptions(request: FastifyRequest): { readonly options: WriteOptions; readonly timeoutMs: number } {
  const query = new QueryString(request);
  const timeoutMs = query.takeTimeoutMs(DEFAULTS.writeTimeoutMs);
  return { options: parseWriteOptions(query.rest()), timeoutMs };
}

/** `?wait=&timeoutMs=` of a delete. */
export function deleteOptions(request: FastifyRequest): { readonly wait: Wait; readonly timeoutMs: number } {
  const query = new QueryString(request);
  const wait = parseWait(query.take('wait'));
  const timeoutMs = query.takeTimeoutMs(DEFAULTS.writeTimeoutMs);
  query.refuseRest();
  return { wait, timeoutMs };
}

export interface ReadOptions {
  readonly after: Receipt;
  readonly timeoutMs: number;
}

/** `?key=` and the options of a read. */
export function readByKey(request: FastifyRequest, slots: number): ReadOptions & { readonly key: VectorKey } {
  const query = new QueryString(request);
  const key = query.take('key');
  if (key === undefined) throw new ShoalError('missing_field', 'The query parameter key is missing.', { field: 'key' });
  return { key: parseVectorKey(key), ...readOptionsOf(query, slots) };
}

/** `?after=&timeoutMs=` of a read; `after` is a receipt as JSON. */
export function readOptions(request: FastifyRequest, slots: number): ReadOptions {
  return readOptionsOf(new QueryString(request), slots);
}

function readOptionsOf(query: QueryString, slots: number): ReadOptions {
  const text = query.take('after');
  const timeoutMs = query.takeTimeoutMs(DEFAULTS.searchTimeoutMs);
  query.refuseRest();
  return { after: text === undefined ? new Map() : parseReceipt(parseReceiptText(text), slots), timeoutMs };
}

/** `?to=` of a slot that is backed up. */
export function backupEnd(request: FastifyRequest): Sequence | undefined {
  const query = new QueryString(request);
  const text = query.take('to');
  query.refuseRest();
  return text === undefined ? undefined : parseSequence(/^\d{1,16}$/.test(text) ? Number(text) : text, 'to');
}

export interface PageOptions {
  readonly limit: number;
  /** Entries after this one; undefined for the first page. */
  readonly after: string | undefined;
}

/** `?limit=&cursor=` of a list. The cursor is the last entry of the page before. */
export function pageOptions(request: FastifyRequest): PageOptions {
  const query = new QueryString(request);
  const limit = query.takeWholeNumber('limit', LIMITS.pageItems, LIMITS.pageItems);
  const cursor = query.take('cursor');
  query.refuseRest();
  if (cursor !== undefined && (cursor.length > LIMITS.cursorChars || cursor === '')) {
    throw new ShoalError('invalid_field', 'cursor must be the `next` of the page before.', { field: 'cursor', limit: LIMITS.cursorChars });
  }
  return { limit, after: cursor };
}

/** One page of entries that are in the order of their names; entries that come or go between two pages shift nothing. */
export function pageOf<Item>(items: readonly Item[], nameOf: (item: Item) => string, { limit, after }: PageOptions): { readonly items: readonly Item[]; readonly next?: string } {
  const rest = after === undefined ? items : items.filter((item) => nameOf(item) > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return { items: page, ...(last === undefined || rest.length <= limit ? {} : { next: nameOf(last) }) };
}

function parseReceiptText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ShoalError('invalid_field', 'after must be a receipt as JSON, as in {"17":4711}.', { field: 'after', cause });
  }
}
