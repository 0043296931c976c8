/**
 * What is not a search inside a query request (query-request-codec.ts).
 *
 *     fetch   = code:u64 after:u64 timeoutMs:u32 partition:u16 keyBytes:u16 sequence? key:UTF-8
 *     sequence = u8, 1 when the sequence of the vector is wanted     (in version 2 only)
 *     await   = sequence:u64 timeoutMs:u32
 *     stats   = code:u64 timeoutMs:u32 partition:u16 zero:u16
 *     count   = code:u64 after:u64 timeoutMs:u32 partition:u16 zero:u16 filterBytes:u32 filter
 *     scroll  = code:u64 after:u64 timeoutMs:u32 partition:u16 limit:u16 flags:u16 keyBytes:u16 filterBytes:u32 filter key:UTF-8
 *     flags   = bit 0 include values, bit 1 include payload
 *     filter  = UTF-8 JSON, zero-padded to a multiple of 4 bytes; 0 bytes for none
 *
 * A scroll from the beginning has a key of 0 bytes.
 */
import { utf8Bytes } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Sequence } from './ids.ts';
import { readKey } from './key-bytes.ts';
import { LIMITS } from './limits.ts';
import { filterTextBytes, readBounded, readCode, readFilter, readPartition, writeFilter } from './query-item-codec.ts';
import type { ItemCodec } from './query-item-codec.ts';
import type { AwaitAppliedItem, CountItem, FetchItem, PartitionStatsItem, ScrollItem } from './query.ts';

const FETCH_HEAD_BYTES = { 1: 24, 2: 25 } as const;
const AWAIT_BYTES = 12;
const STATS_BYTES = 16;
const COUNT_HEAD_BYTES = 28;
const SCROLL_HEAD_BYTES = 32;
const INCLUDE_VALUES = 1;
const INCLUDE_PAYLOAD = 2;

function readFlag(body: ByteReader, field: string): boolean {
  const value = body.u8(field);
  if (value > 1) throw body.error(`${field} ${value} cannot be`, field);
  return value === 1;
}

export const FETCH_ITEM: ItemCodec<FetchItem> = {
  needsVersion2: ({ includeSequence }) => includeSequence === true,
  bytes: (item, version) => FETCH_HEAD_BYTES[version] + utf8Bytes(item.key),
  write(writer, item, version) {
    const keyBytes = utf8Bytes(item.key);
    writer.u64(item.code);
    writer.u64(item.after);
    writer.u32(Math.ceil(item.timeoutMs));
    writer.u16(item.partition);
    writer.u16(keyBytes);
    if (version === 2) writer.u8(item.includeSequence === true ? 1 : 0);
    writer.text(item.key, keyBytes);
  },
  read(body, version) {
    const code = readCode(body);
    const after = body.u64('after') as Sequence;
    const timeoutMs = body.u32('timeoutMs');
    const partition = readPartition(body);
    const keyBytes = body.u16('keyBytes');
    const includeSequence = version === 2 && readFlag(body, 'sequence');
    const key = readKey(body, keyBytes);
    return { code, partition, key, after, timeoutMs, ...(includeSequence ? { includeSequence } : {}) };
  },
};

export const AWAIT_APPLIED_ITEM: ItemCodec<AwaitAppliedItem> = {
  needsVersion2: () => false,
  bytes: () => AWAIT_BYTES,
  write(writer, item) {
    writer.u64(item.sequence);
    writer.u32(Math.ceil(item.timeoutMs));
  },
  read: (body) => ({ sequence: body.u64('sequence') as Sequence, timeoutMs: body.u32('timeoutMs') }),
};

export const PARTITION_STATS_ITEM: ItemCodec<PartitionStatsItem> = {
  needsVersion2: () => false,
  bytes: () => STATS_BYTES,
  write(writer, item) {
    writer.u64(item.code);
    writer.u32(Math.ceil(item.timeoutMs));
    writer.u16(item.partition);
    writer.u16(0);
  },
  read(body) {
    const code = readCode(body);
    const timeoutMs = body.u32('timeoutMs');
    const partition = readPartition(body);
    body.zeros(2, 'partition');
    return { code, partition, timeoutMs };
  },
};

export const COUNT_ITEM: ItemCodec<CountItem> = {
  needsVersion2: () => true,
  bytes: (item) => COUNT_HEAD_BYTES + filterTextBytes(item.filter),
  write(writer, item) {
    writer.u64(item.code);
    writer.u64(item.after);
    writer.u32(Math.ceil(item.timeoutMs));
    writer.u16(item.partition);
    writer.u16(0);
    writer.u32(item.filter?.byteLength ?? 0);
    writeFilter(writer, item.filter);
  },
  read(body) {
    const code = readCode(body);
    const after = body.u64('after') as Sequence;
    const timeoutMs = body.u32('timeoutMs');
    const partition = readPartition(body);
    body.zeros(2, 'partition');
    return { code, partition, after, timeoutMs, ...readFilter(body, body.u32('filterBytes')) };
  },
};

export const SCROLL_ITEM: ItemCodec<ScrollItem> = {
  needsVersion2: () => true,
  bytes: (item) => SCROLL_HEAD_BYTES + filterTextBytes(item.filter) + utf8Bytes(item.afterKey ?? ''),
  write(writer, item) {
    const keyBytes = utf8Bytes(item.afterKey ?? '');
    writer.u64(item.code);
    writer.u64(item.after);
    writer.u32(Math.ceil(item.timeoutMs));
    writer.u16(item.partition);
    writer.u16(item.limit);
    writer.u16((item.includeValues ? INCLUDE_VALUES : 0) | (item.includePayload ? INCLUDE_PAYLOAD : 0));
    writer.u16(keyBytes);
    writer.u32(item.filter?.byteLength ?? 0);
    writeFilter(writer, item.filter);
    writer.text(item.afterKey ?? '', keyBytes);
  },
  read(body) {
    const code = readCode(body);
    const after = body.u64('after') as Sequence;
    const timeoutMs = body.u32('timeoutMs');
    const partition = readPartition(body);
    const limit = readBounded(body, 'limit', 1, LIMITS.scrollPage);
    const flags = readBounded(body, 'flags', 0, INCLUDE_VALUES | INCLUDE_PAYLOAD);
    const keyBytes = body.u16('keyBytes');
    const filter = readFilter(body, body.u32('filterBytes'));
    const afterKey = keyBytes === 0 ? {} : { afterKey: readKey(body, keyBytes) };
    const includes = { includeValues: (flags & INCLUDE_VALUES) !== 0, includePayload: (flags & INCLUDE_PAYLOAD) !== 0 };
    return { code, partition, after, timeoutMs, limit, ...includes, ...filter, ...afterKey };
  },
};
