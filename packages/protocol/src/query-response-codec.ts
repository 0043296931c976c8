/**
 * Query responses: one answer or failure per item of the request, in its order.
 *
 *     response = "SHLA" version:u8 type:u8 count:u16 item*count crc:u32     (envelope: message-envelope.ts)
 *     version  = 1 | 2, the least that can say all items
 *     type     = as in the request (query-request-codec.ts)
 *     item     = answer | failure, each zero-padded to a multiple of 4 bytes
 *     failure  = status:u8=1 codeBytes:u8 messageBytes:u16 code:ASCII message:UTF-8
 *     search   = status:u8=0 path:u8 hits:u16 appliedSequence:u64 distanceComputations:u64 head*hits values*hits text*hits
 *     head     = distance:f64 payloadBytes:u32 keyBytes:u16 dim:u16
 *     values   = component:f32*dim
 *     text     = key:UTF-8 payload:UTF-8 JSON
 *     fetch    = status:u8=0 found:u8 dim:u16 appliedSequence:u64 payloadBytes:u32 sequence? component:f32*dim payload
 *     sequence = u64, 0 where it is not told     (in version 2 only)
 *     await    = status:u8=0 known:u8 zero:u16 appliedSequence:u64 count:u32 what
 *     known    = 0 nothing | 1 outcomes | 2 deleted by a filter     (2 in version 2 only)
 *     what     = outcome:u8*count, or deleted as in outcome-codec.ts
 *     stats    = status:u8=0 graph:u8 zero:u16 appliedSequence:u64 vectorCount:u64 deletedCount:u64 memoryBytes:u64
 *     count    = status:u8=0 zero*3 appliedSequence:u64 count:u64     (in version 2 only)
 *     scroll   = status:u8=0 zero:u8 vectors:u16 appliedSequence:u64 scannedBytes:u16 zero:u16 vector*vectors values*vectors text*vectors scannedTo:UTF-8
 *     vector   = sequence:u64 payloadBytes:u32 keyBytes:u16 dim:u16     (scrolls in version 2 only; a scroll at its end has scannedBytes 0)
 *
 * dim 0 and payloadBytes 0 mean that there are none. Components are aligned wherever the message is. A failure code
 * that this release does not know is read as `internal`, with the code in the message: shards may be newer than gateways.
 */
import assert from 'node:assert';
import { paddingTo4, utf8Bytes } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import { isErrorCode } from './error-registry.ts';
import { LIMITS } from './limits.ts';
import {
  awaitAppliedAnswerBytes,
  fetchAnswerBytes,
  partitionStatsAnswerBytes,
  readAwaitAppliedAnswer,
  readFetchAnswer,
  readPartitionStatsAnswer,
  writeAwaitAppliedAnswer,
  writeFetchAnswer,
  writePartitionStatsAnswer,
} from './lookup-answer-codecs.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import { countAnswerBytes, readCountAnswer, readScrollAnswer, scrollAnswerBytes, writeCountAnswer, writeScrollAnswer } from './page-answer-codecs.ts';
import type { ItemCodec, QueryVersion } from './query-item-codec.ts';
import { QUERY_TYPES } from './query-numbers.ts';
import type { AwaitAppliedAnswer, CountAnswer, FetchAnswer, ItemFailure, PartitionStatsAnswer, QueryResponse, ScrollAnswer, SearchAnswer } from './query.ts';
import { readSearchAnswer, searchAnswerBytes, writeSearchAnswer } from './search-answer-codec.ts';

const KIND = { magic: 'SHLA', version: 2, subject: 'query response' } as const;
const STATUS_OK = 0;
const STATUS_FAILURE = 1;
/** Without the status byte. */
const FAILURE_HEAD_BYTES = 3;

/** How one kind of answer is sized, written and read, all without its status byte. */
type AnswerCodec<Answer extends { readonly ok: true }> = ItemCodec<Answer>;

const SEARCH: AnswerCodec<SearchAnswer> = { needsVersion2: () => false, bytes: searchAnswerBytes, write: writeSearchAnswer, read: readSearchAnswer };
const FETCH: AnswerCodec<FetchAnswer> = {
  needsVersion2: ({ vector }) => vector?.sequence !== undefined,
  bytes: fetchAnswerBytes,
  write: writeFetchAnswer,
  read: readFetchAnswer,
};
const AWAIT_APPLIED: AnswerCodec<AwaitAppliedAnswer> = {
  needsVersion2: ({ deleted }) => deleted !== undefined,
  bytes: awaitAppliedAnswerBytes,
  write: writeAwaitAppliedAnswer,
  read: readAwaitAppliedAnswer,
};
const PARTITION_STATS: AnswerCodec<PartitionStatsAnswer> = {
  needsVersion2: () => false,
  bytes: partitionStatsAnswerBytes,
  write: writePartitionStatsAnswer,
  read: readPartitionStatsAnswer,
};

const COUNT: AnswerCodec<CountAnswer> = { needsVersion2: () => true, bytes: countAnswerBytes, write: writeCountAnswer, read: readCountAnswer };
const SCROLL: AnswerCodec<ScrollAnswer> = { needsVersion2: () => true, bytes: scrollAnswerBytes, write: writeScrollAnswer, read: readScrollAnswer };

/** Counts and scrolls came with version 2, so even failures of them have it. */
const firstVersionOf = (type: QueryResponse['type']): QueryVersion => (type === 'count' || type === 'scroll' ? 2 : 1);

export function encodeQueryResponse(response: QueryResponse): Uint8Array<ArrayBuffer> {
  switch (response.type) {
    case 'search':
      return encodeItems(response.type, response.items, SEARCH);
    case 'fetch':
      return encodeItems(response.type, response.items, FETCH);
    case 'await-applied':
      return encodeItems(response.type, response.items, AWAIT_APPLIED);
    case 'partition-stats':
      return encodeItems(response.type, response.items, PARTITION_STATS);
    case 'count':
      return encodeItems(response.type, response.items, COUNT);
    case 'scroll':
      return encodeItems(response.type, response.items, SCROLL);
  }
}

function encodeItems<Answer extends { readonly ok: true }>(
  type: QueryResponse['type'],
  items: readonly (Answer | ItemFailure)[],
  codec: AnswerCodec<Answer>,
): Uint8Array<ArrayBuffer> {
  assert(items.length <= LIMITS.searchesPerMessage, 'a query message has no more items than allowed');
  const version = items.some((item) => item.ok && codec.needsVersion2(item)) ? 2 : firstVersionOf(type);
  let sizeBytes = ENVELOPE_BYTES;
  for (const item of items) {
    const itemBytes = 1 + (item.ok ? codec.bytes(item, version) : failureBytes(item));
    sizeBytes += itemBytes + paddingTo4(itemBytes);
  }
  const writer = beginMessage(KIND, QUERY_TYPES[type], items.length, sizeBytes, version);
  for (const item of items) {
    writer.u8(item.ok ? STATUS_OK : STATUS_FAILURE);
    if (item.ok) codec.write(writer, item, version);
    else writeFailure(writer, item);
    writer.padTo4();
  }
  return writer.seal();
}

/** The longest beginning of a text that fits in LIMITS.failureMessageBytes, cut between characters. */
function cutMessage(message: string): string {
  if (utf8Bytes(message) <= LIMITS.failureMessageBytes) return message;
  const { read } = new TextEncoder().encodeInto(message, new Uint8Array(LIMITS.failureMessageBytes));
  return message.slice(0, read);
}

function failureBytes(failure: ItemFailure): number {
  return FAILURE_HEAD_BYTES + failure.error.length + utf8Bytes(cutMessage(failure.message));
}

function writeFailure(writer: ByteWriter, failure: ItemFailure): void {
  const message = cutMessage(failure.message);
  const messageBytes = utf8Bytes(message);
  writer.u8(failure.error.length);
  writer.u16(messageBytes);
  writer.text(failure.error, failure.error.length);
  writer.text(message, messageBytes);
}

function readFailure(body: ByteReader): ItemFailure {
  const codeBytes = body.u8('codeBytes');
  const messageBytes = body.u16('messageBytes');
  const code = body.text(codeBytes, 'code');
  const message = body.text(messageBytes, 'message');
  return isErrorCode(code) ? { ok: false, error: code, message } : { ok: false, error: 'internal', message: `${code}: ${message}` };
}

/** The response in a message; values and payloads are views of `bytes` where aligned. Throws `corrupt_message` or `unsupported_version`. */
export function decodeQueryResponse(bytes: Uint8Array): QueryResponse {
  const { version, type, extra: count, body } = openMessage(KIND, bytes);
  if (count > LIMITS.searchesPerMessage) throw body.error(`${count} items cannot be`, 'count');
  const response = readResponse(type, count, body, version as QueryVersion);
  body.end();
  return response;
}

function readResponse(type: number, count: number, body: ByteReader, version: QueryVersion): QueryResponse {
  switch (type) {
    case QUERY_TYPES.search:
      return { type: 'search', items: readItems('search', count, body, version, SEARCH) };
    case QUERY_TYPES.fetch:
      return { type: 'fetch', items: readItems('fetch', count, body, version, FETCH) };
    case QUERY_TYPES['await-applied']:
      return { type: 'await-applied', items: readItems('await-applied', count, body, version, AWAIT_APPLIED) };
    case QUERY_TYPES['partition-stats']:
      return { type: 'partition-stats', items: readItems('partition-stats', count, body, version, PARTITION_STATS) };
    case QUERY_TYPES.count:
      return { type: 'count', items: readItems('count', count, body, version, COUNT) };
    case QUERY_TYPES.scroll:
      return { type: 'scroll', items: readItems('scroll', count, body, version, SCROLL) };
    default:
      throw body.error(`type ${type} cannot be`, 'type');
  }
}

function readItems<Answer extends { readonly ok: true }>(
  type: QueryResponse['type'],
  count: number,
  body: ByteReader,
  version: QueryVersion,
  codec: AnswerCodec<Answer>,
): (Answer | ItemFailure)[] {
  if (version < firstVersionOf(type)) throw body.error(`version ${version} has no ${type}`, 'version');
  const items: (Answer | ItemFailure)[] = [];
  for (let i = 0; i < count; i++) {
    const status = body.u8('status');
    if (status !== STATUS_OK && status !== STATUS_FAILURE) throw body.error(`status ${status} cannot be`, 'status');
    items.push(status === STATUS_OK ? codec.read(body, version) : readFailure(body));
    body.padTo4('padding');
  }
  const needsVersion2 = items.some((item) => item.ok && codec.needsVersion2(item));
  if (version > firstVersionOf(type) && !needsVersion2) throw body.error('version 2 says no more than version 1 can', 'version');
  return items;
}
