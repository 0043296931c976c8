/**
 * Query requests, from a gateway to the shards that own a slot.
 *
 *     request = "SHLQ" version:u8=1 type:u8 count:u16 item*count crc:u32     (envelope: message-envelope.ts)
 *     type    = 1 search | 2 fetch | 3 await-applied | 4 partition-stats
 *     search  = code:u64 after:u64 timeoutMs:u32 partition:u16 k:u16 ef:u16 rerank:u16 dim:u16 path:u8 flags:u8 component:f32*dim
 *     path    = 1 auto | 2 exact | 3 rabitq | 4 flat
 *     flags   = bit 0 include values, bit 1 include payload
 *     fetch   = code:u64 after:u64 timeoutMs:u32 partition:u16 keyBytes:u16 key:UTF-8
 *     await   = sequence:u64 timeoutMs:u32
 *     stats   = code:u64 timeoutMs:u32 partition:u16 zero:u16
 *
 * The head of a search has 32 bytes, so vectors are aligned wherever the message is. Times travel as whole
 * milliseconds, rounded up. The bounds of k, ef, rerank and dim are checked here again, because the engine sizes its
 * scratch memory by them.
 */
import assert from 'node:assert';
import { utf8Bytes } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { EmbeddingCode, Partition, Sequence } from './ids.ts';
import { readKey } from './key-bytes.ts';
import { LIMITS } from './limits.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import { QUERY_TYPES, SEARCH_PATH_NAMES, SEARCH_PATH_NUMBERS } from './query-numbers.ts';
import type { AwaitAppliedItem, FetchItem, PartitionStatsItem, QueryRequest, SearchItem } from './query.ts';

const KIND = { magic: 'SHLQ', version: 1, subject: 'query request' } as const;
const SEARCH_HEAD_BYTES = 32;
const FETCH_HEAD_BYTES = 24;
const AWAIT_BYTES = 12;
const STATS_BYTES = 16;
const INCLUDE_VALUES = 1;
const INCLUDE_PAYLOAD = 2;

/** The message for a request of at most LIMITS.searchesPerMessage items. */
export function encodeQueryRequest(request: QueryRequest): Uint8Array<ArrayBuffer> {
  assert(request.items.length <= LIMITS.searchesPerMessage, 'a query message has no more items than allowed');
  const begin = (bodyBytes: number): ByteWriter =>
    beginMessage(KIND, QUERY_TYPES[request.type], request.items.length, ENVELOPE_BYTES + bodyBytes);
  switch (request.type) {
    case 'search': {
      let bodyBytes = 0;
      for (const item of request.items) bodyBytes += SEARCH_HEAD_BYTES + item.vector.length * 4;
      const writer = begin(bodyBytes);
      for (const item of request.items) writeSearch(writer, item);
      return writer.seal();
    }
    case 'fetch': {
      let bodyBytes = 0;
      for (const item of request.items) bodyBytes += FETCH_HEAD_BYTES + utf8Bytes(item.key);
      const writer = begin(bodyBytes);
      for (const item of request.items) writeFetch(writer, item);
      return writer.seal();
    }
    case 'await-applied': {
      const writer = begin(request.items.length * AWAIT_BYTES);
      for (const item of request.items) writeAwaitApplied(writer, item);
      return writer.seal();
    }
    case 'partition-stats': {
      const writer = begin(request.items.length * STATS_BYTES);
      for (const item of request.items) writePartitionStats(writer, item);
      return writer.seal();
    }
  }
}

function writeSearch(writer: ByteWriter, item: SearchItem): void {
  writer.u64(item.code);
  writer.u64(item.after);
  writer.u32(Math.ceil(item.timeoutMs));
  writer.u16(item.partition);
  writer.u16(item.k);
  writer.u16(item.ef);
  writer.u16(item.rerank);
  writer.u16(item.vector.length);
  writer.u8(SEARCH_PATH_NUMBERS[item.path]);
  writer.u8((item.includeValues ? INCLUDE_VALUES : 0) | (item.includePayload ? INCLUDE_PAYLOAD : 0));
  writer.vector(item.vector);
}

function writeFetch(writer: ByteWriter, item: FetchItem): void {
  const keyBytes = utf8Bytes(item.key);
  writer.u64(item.code);
  writer.u64(item.after);
  writer.u32(Math.ceil(item.timeoutMs));
  writer.u16(item.partition);
  writer.u16(keyBytes);
  writer.text(item.key, keyBytes);
}

function writeAwaitApplied(writer: ByteWriter, item: AwaitAppliedItem): void {
  writer.u64(item.sequence);
  writer.u32(Math.ceil(item.timeoutMs));
}

function writePartitionStats(writer: ByteWriter, item: PartitionStatsItem): void {
  writer.u64(item.code);
  writer.u32(Math.ceil(item.timeoutMs));
  writer.u16(item.partition);
  writer.u16(0);
}

/** The request in a message; vectors are views of `bytes` where aligned. Throws `corrupt_message` or `unsupported_version`. */
export function decodeQueryRequest(bytes: Uint8Array): QueryRequest {
  const { type, extra: count, body } = openMessage(KIND, bytes);
  if (count > LIMITS.searchesPerMessage) throw body.error(`${count} items cannot be`, 'count');
  const request = readRequest(type, count, body);
  body.end();
  return request;
}

function readRequest(type: number, count: number, body: ByteReader): QueryRequest {
  switch (type) {
    case QUERY_TYPES.search:
      return { type: 'search', items: readItems(count, body, readSearch) };
    case QUERY_TYPES.fetch:
      return { type: 'fetch', items: readItems(count, body, readFetch) };
    case QUERY_TYPES['await-applied']:
      return { type: 'await-applied', items: readItems(count, body, readAwaitApplied) };
    case QUERY_TYPES['partition-stats']:
      return { type: 'partition-stats', items: readItems(count, body, readPartitionStats) };
    default:
      throw body.error(`type ${type} cannot be`, 'type');
  }
}

function readItems<Item>(count: number, body: ByteReader, read: (body: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  for (let i = 0; i < count; i++) items.push(read(body));
  return items;
}

function readCode(body: ByteReader): EmbeddingCode {
  const code = body.u64('code');
  if (code === 0) throw body.error('code 0 cannot be', 'code');
  return code as EmbeddingCode;
}

function readBounded(body: ByteReader, field: string, minimum: number, maximum: number): number {
  const value = body.u16(field);
  if (value < minimum || value > maximum) throw body.error(`${field} ${value} cannot be`, field);
  return value;
}

const readPartition = (body: ByteReader): Partition => readBounded(body, 'partition', 0, LIMITS.partitions - 1) as Partition;

function readSearch(body: ByteReader): SearchItem {
  const code = readCode(body);
  const after = body.u64('after') as Sequence;
  const timeoutMs = body.u32('timeoutMs');
  const partition = readPartition(body);
  const k = readBounded(body, 'k', 1, LIMITS.k);
  const ef = readBounded(body, 'ef', 1, LIMITS.ef);
  const rerank = readBounded(body, 'rerank', 0, LIMITS.rerank);
  const dim = readBounded(body, 'dim', 1, LIMITS.dim);
  const pathNumber = body.u8('path');
  const path = SEARCH_PATH_NAMES[pathNumber];
  if (path === undefined) throw body.error(`path ${pathNumber} cannot be`, 'path');
  const flags = body.u8('flags');
  if (flags > (INCLUDE_VALUES | INCLUDE_PAYLOAD)) throw body.error(`flags ${flags} cannot be`, 'flags');
  const vector = body.vector(dim, 'vector');
  const includeValues = (flags & INCLUDE_VALUES) !== 0;
  const includePayload = (flags & INCLUDE_PAYLOAD) !== 0;
  return { code, partition, vector, k, ef, path, rerank, after, timeoutMs, includeValues, includePayload };
}

function readFetch(body: ByteReader): FetchItem {
  const code = readCode(body);
  const after = body.u64('after') as Sequence;
  const timeoutMs = body.u32('timeoutMs');
  const partition = readPartition(body);
  const key = readKey(body, body.u16('keyBytes'));
  return { code, partition, key, after, timeoutMs };
}

function readAwaitApplied(body: ByteReader): AwaitAppliedItem {
  return { sequence: body.u64('sequence') as Sequence, timeoutMs: body.u32('timeoutMs') };
}

function readPartitionStats(body: ByteReader): PartitionStatsItem {
  const code = readCode(body);
  const timeoutMs = body.u32('timeoutMs');
  const partition = readPartition(body);
  body.zeros(2, 'partition');
  return { code, partition, timeoutMs };
}
