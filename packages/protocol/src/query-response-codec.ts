/**
 * Query responses: one answer or failure per item of the request, in its order.
 *
 *     response = "SHLA" version:u8=1 type:u8 count:u16 item*count crc:u32     (envelope: message-envelope.ts)
 *     type     = as in the request (query-request-codec.ts)
 *     item     = answer | failure, each zero-padded to a multiple of 4 bytes
 *     failure  = status:u8=1 codeBytes:u8 messageBytes:u16 code:ASCII message:UTF-8
 *     search   = status:u8=0 path:u8 hits:u16 appliedSequence:u64 distanceComputations:u64 head*hits values*hits text*hits
 *     head     = distance:f64 payloadBytes:u32 keyBytes:u16 dim:u16
 *     values   = component:f32*dim
 *     text     = key:UTF-8 payload:UTF-8 JSON
 *     fetch    = status:u8=0 found:u8 dim:u16 appliedSequence:u64 payloadBytes:u32 component:f32*dim payload
 *     await    = status:u8=0 known:u8 zero:u16 appliedSequence:u64 count:u32 outcome:u8*count
 *     stats    = status:u8=0 graph:u8 zero:u16 appliedSequence:u64 vectorCount:u64 deletedCount:u64 memoryBytes:u64
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
import { QUERY_TYPES } from './query-numbers.ts';
import type { AwaitAppliedAnswer, FetchAnswer, ItemFailure, PartitionStatsAnswer, QueryResponse, SearchAnswer } from './query.ts';
import { readSearchAnswer, searchAnswerBytes, writeSearchAnswer } from './search-answer-codec.ts';

const KIND = { magic: 'SHLA', version: 1, subject: 'query response' } as const;
const STATUS_OK = 0;
const STATUS_FAILURE = 1;
/** Without the status byte. */
const FAILURE_HEAD_BYTES = 3;

/** How one kind of answer is sized, written and read, all without its status byte. */
interface AnswerCodec<Answer extends { readonly ok: true }> {
  readonly bytes: (answer: Answer) => number;
  readonly write: (writer: ByteWriter, answer: Answer) => void;
  readonly read: (body: ByteReader) => Answer;
}

const SEARCH: AnswerCodec<SearchAnswer> = { bytes: searchAnswerBytes, write: writeSearchAnswer, read: readSearchAnswer };
const FETCH: AnswerCodec<FetchAnswer> = { bytes: fetchAnswerBytes, write: writeFetchAnswer, read: readFetchAnswer };
const AWAIT_APPLIED: AnswerCodec<AwaitAppliedAnswer> = { bytes: awaitAppliedAnswerBytes, write: writeAwaitAppliedAnswer, read: readAwaitAppliedAnswer };
const PARTITION_STATS: AnswerCodec<PartitionStatsAnswer> = {
  bytes: partitionStatsAnswerBytes,
  write: writePartitionStatsAnswer,
  read: readPartitionStatsAnswer,
};

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
  }
}

function encodeItems<Answer extends { readonly ok: true }>(
  type: QueryResponse['type'],
  items: readonly (Answer | ItemFailure)[],
  codec: AnswerCodec<Answer>,
): Uint8Array<ArrayBuffer> {
  assert(items.length <= LIMITS.searchesPerMessage, 'a query message has no more items than allowed');
  let sizeBytes = ENVELOPE_BYTES;
  for (const item of items) {
    const itemBytes = 1 + (item.ok ? codec.bytes(item) : failureBytes(item));
    sizeBytes += itemBytes + paddingTo4(itemBytes);
  }
  const writer = beginMessage(KIND, QUERY_TYPES[type], items.length, sizeBytes);
  for (const item of items) {
    writer.u8(item.ok ? STATUS_OK : STATUS_FAILURE);
    if (item.ok) codec.write(writer, item);
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
  const { type, extra: count, body } = openMessage(KIND, bytes);
  if (count > LIMITS.searchesPerMessage) throw body.error(`${count} items cannot be`, 'count');
  const response = readResponse(type, count, body);
  body.end();
  return response;
}

function readResponse(type: number, count: number, body: ByteReader): QueryResponse {
  switch (type) {
    case QUERY_TYPES.search:
      return { type: 'search', items: readItems(count, body, SEARCH) };
    case QUERY_TYPES.fetch:
      return { type: 'fetch', items: readItems(count, body, FETCH) };
    case QUERY_TYPES['await-applied']:
      return { type: 'await-applied', items: readItems(count, body, AWAIT_APPLIED) };
    case QUERY_TYPES['partition-stats']:
      return { type: 'partition-stats', items: readItems(count, body, PARTITION_STATS) };
    default:
      throw body.error(`type ${type} cannot be`, 'type');
  }
}

function readItems<Answer extends { readonly ok: true }>(count: number, body: ByteReader, codec: AnswerCodec<Answer>): (Answer | ItemFailure)[] {
  const items: (Answer | ItemFailure)[] = [];
  for (let i = 0; i < count; i++) {
    const status = body.u8('status');
    if (status !== STATUS_OK && status !== STATUS_FAILURE) throw body.error(`status ${status} cannot be`, 'status');
    items.push(status === STATUS_OK ? codec.read(body) : readFailure(body));
    body.padTo4('padding');
  }
  return items;
}
