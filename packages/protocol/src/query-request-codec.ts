/**
 * Query requests, from a gateway to the shards that own a slot.
 *
 *     request = "SHLQ" version:u8 type:u8 count:u16 item*count crc:u32     (envelope: message-envelope.ts)
 *     version = 1 | 2, the least that can say all items
 *     type    = 1 search | 2 fetch | 3 await-applied | 4 partition-stats | 5 count | 6 scroll     (5 and 6 in version 2 only)
 *     item    = search (search-request-codec.ts) or another (lookup-request-codecs.ts)
 *
 * Times travel as whole milliseconds, rounded up.
 */
import assert from 'node:assert';
import type { ByteReader } from './byte-reader.ts';
import { LIMITS } from './limits.ts';
import { AWAIT_APPLIED_ITEM, COUNT_ITEM, FETCH_ITEM, PARTITION_STATS_ITEM, SCROLL_ITEM } from './lookup-request-codecs.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { ItemCodec, QueryVersion } from './query-item-codec.ts';
import { QUERY_TYPES } from './query-numbers.ts';
import type { QueryRequest } from './query.ts';
import { SEARCH_ITEM } from './search-request-codec.ts';

const KIND = { magic: 'SHLQ', version: 2, subject: 'query request' } as const;

/** The message for a request of at most LIMITS.searchesPerMessage items. */
export function encodeQueryRequest(request: QueryRequest): Uint8Array<ArrayBuffer> {
  assert(request.items.length <= LIMITS.searchesPerMessage, 'a query message has no more items than allowed');
  switch (request.type) {
    case 'search':
      return encodeItems(request.type, request.items, SEARCH_ITEM);
    case 'fetch':
      return encodeItems(request.type, request.items, FETCH_ITEM);
    case 'await-applied':
      return encodeItems(request.type, request.items, AWAIT_APPLIED_ITEM);
    case 'partition-stats':
      return encodeItems(request.type, request.items, PARTITION_STATS_ITEM);
    case 'count':
      return encodeItems(request.type, request.items, COUNT_ITEM);
    case 'scroll':
      return encodeItems(request.type, request.items, SCROLL_ITEM);
  }
}

/** Counts and scrolls came with version 2, so even an empty message of them has it. */
const firstVersionOf = (type: QueryRequest['type']): QueryVersion => (type === 'count' || type === 'scroll' ? 2 : 1);

function encodeItems<Item>(type: QueryRequest['type'], items: readonly Item[], codec: ItemCodec<Item>): Uint8Array<ArrayBuffer> {
  const version = items.some(codec.needsVersion2) ? 2 : firstVersionOf(type);
  const sizeBytes = items.reduce((sum, item) => sum + codec.bytes(item, version), ENVELOPE_BYTES);
  const writer = beginMessage(KIND, QUERY_TYPES[type], items.length, sizeBytes, version);
  for (const item of items) codec.write(writer, item, version);
  return writer.seal();
}

/** The request in a message; vectors are views of `bytes`, or of one copy of them where they are not aligned in memory. Throws `corrupt_message` or `unsupported_version`. */
export function decodeQueryRequest(bytes: Uint8Array): QueryRequest {
  // The grammar aligns all vectors to the beginning of the message.
  const { version, type, extra: count, body } = openMessage(KIND, (bytes.byteOffset & 3) === 0 ? bytes : Uint8Array.from(bytes));
  if (count > LIMITS.searchesPerMessage) throw body.error(`${count} items cannot be`, 'count');
  const request = readRequest(type, count, body, version as QueryVersion);
  body.end();
  return request;
}

function readRequest(type: number, count: number, body: ByteReader, version: QueryVersion): QueryRequest {
  switch (type) {
    case QUERY_TYPES.search:
      return { type: 'search', items: readItems('search', count, body, version, SEARCH_ITEM) };
    case QUERY_TYPES.fetch:
      return { type: 'fetch', items: readItems('fetch', count, body, version, FETCH_ITEM) };
    case QUERY_TYPES['await-applied']:
      return { type: 'await-applied', items: readItems('await-applied', count, body, version, AWAIT_APPLIED_ITEM) };
    case QUERY_TYPES['partition-stats']:
      return { type: 'partition-stats', items: readItems('partition-stats', count, body, version, PARTITION_STATS_ITEM) };
    case QUERY_TYPES.count:
      return { type: 'count', items: readItems('count', count, body, version, COUNT_ITEM) };
    case QUERY_TYPES.scroll:
      return { type: 'scroll', items: readItems('scroll', count, body, version, SCROLL_ITEM) };
    default:
      throw body.error(`type ${type} cannot be`, 'type');
  }
}

function readItems<Item>(type: QueryRequest['type'], count: number, body: ByteReader, version: QueryVersion, codec: ItemCodec<Item>): Item[] {
  if (version < firstVersionOf(type)) throw body.error(`version ${version} has no ${type}`, 'version');
  const items: Item[] = [];
  for (let i = 0; i < count; i++) items.push(codec.read(body, version));
  if (version > firstVersionOf(type) && !items.some(codec.needsVersion2)) throw body.error('version 2 says no more than version 1 can', 'version');
  return items;
}
