/** The bodies of POST /v1/embeddings/{name}/scroll and /count, and the cursor of a scroll. */
import { parseFields, parseWholeNumber } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { parseFilter } from './filter-parser.ts';
import type { Filter } from './filter.ts';
import { parsePartition, parseVectorKey } from './ids.ts';
import type { EmbeddingCode, Partition, VectorKey } from './ids.ts';
import { DEFAULTS, LIMITS } from './limits.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { parseReceipt } from './receipt.ts';
import type { Receipt } from './receipt.ts';
import { parseInclude } from './search-request.ts';
import { ShoalError } from './shoal-error.ts';

export interface CountRequestBody {
  readonly filter?: Filter;
  /** The answer must include these writes; empty asks for nothing. */
  readonly after: Receipt;
  readonly timeoutMs: number;
}

/** Where a scroll goes on: in this partition, after this key, or at its beginning. */
export interface ScrollPosition {
  readonly partition: Partition;
  readonly afterKey?: VectorKey;
}

export interface ScrollRequestBody extends CountRequestBody {
  readonly limit: number;
  readonly position: ScrollPosition;
  readonly includeValues: boolean;
  readonly includePayload: boolean;
}

/** What a scroll or count is about. */
export interface ScrolledEmbedding {
  readonly code: EmbeddingCode;
  readonly partitions: number;
  readonly fields: DeclaredFields;
}

const COUNT_FIELDS = ['filter', 'after', 'timeoutMs'] as const;

function countOf(fields: Fields, declared: DeclaredFields, slots: number): CountRequestBody {
  return {
    ...(fields['filter'] === undefined ? {} : { filter: parseFilter(fields['filter'], declared) }),
    after: fields['after'] === undefined ? new Map() : parseReceipt(fields['after'], slots),
    timeoutMs: fields['timeoutMs'] === undefined ? DEFAULTS.searchTimeoutMs : parseWholeNumber(fields['timeoutMs'], 'timeoutMs', 1, LIMITS.timeoutMs),
  };
}

export function parseCountRequest(body: unknown, { fields: declared }: ScrolledEmbedding, slots: number): CountRequestBody {
  return countOf(parseFields(body, '', COUNT_FIELDS), declared, slots);
}

export function parseScrollRequest(body: unknown, embedding: ScrolledEmbedding, slots: number): ScrollRequestBody {
  const fields = parseFields(body, '', [...COUNT_FIELDS, 'limit', 'cursor', 'include']);
  return {
    ...countOf(fields, embedding.fields, slots),
    limit: fields['limit'] === undefined ? DEFAULTS.scrollPage : parseWholeNumber(fields['limit'], 'limit', 1, LIMITS.scrollPage),
    position: fields['cursor'] === undefined ? { partition: parsePartition(0) } : parseCursor(fields['cursor'], embedding),
    ...parseInclude(fields['include']),
  };
}

const CURSOR_VERSION = 1;

/** A cursor is base64url of the JSON text [version, code, partition, key or null]: no secret, and no promise about its form. */
export function encodeCursor(code: EmbeddingCode, { partition, afterKey }: ScrollPosition): string {
  return Buffer.from(JSON.stringify([CURSOR_VERSION, code, partition, afterKey ?? null]), 'utf8').toString('base64url');
}

function parseCursor(value: unknown, { code, partitions }: ScrolledEmbedding): ScrollPosition {
  const foreign = (cause?: unknown): ShoalError =>
    new ShoalError('invalid_field', 'cursor must be the cursor that a scroll of this embedding has returned, unchanged.', { field: 'cursor', cause });
  if (typeof value !== 'string' || value.length > LIMITS.scrollCursorChars) throw foreign();
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(value, 'base64url').toString('utf8'));
  } catch (cause) {
    throw foreign(cause);
  }
  if (!Array.isArray(parts) || parts.length !== 4 || parts[0] !== CURSOR_VERSION || parts[1] !== code) throw foreign();
  const partition: unknown = parts[2];
  if (typeof partition !== 'number' || !Number.isInteger(partition) || partition < 0 || partition >= partitions) throw foreign();
  const key: unknown = parts[3];
  return key === null ? { partition: parsePartition(partition) } : { partition: parsePartition(partition), afterKey: parseVectorKey(key, 'cursor') };
}
