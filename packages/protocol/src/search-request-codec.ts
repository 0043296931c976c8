/**
 * A search inside a query request (query-request-codec.ts).
 *
 *     search  = code:u64 after:u64 timeoutMs:u32 partition:u16 k:u16 ef:u16 rerank:u16 dim:u16 path:u8 flags:u8 more? component:f32*dim filter?
 *     path    = 1 auto | 2 exact | 3 rabitq | 4 flat
 *     flags   = bit 0 include values, bit 1 include payload, bit 2 maxDistance counts     (bit 2 in version 2 only)
 *     more    = maxDistance:f64 filterBytes:u32 zero:u32     (in version 2 only; maxDistance is 0 unless it counts)
 *     filter  = UTF-8 JSON, zero-padded to a multiple of 4 bytes; 0 bytes for none     (in version 2 only)
 *
 * The head has 32 or 48 bytes, so vectors are aligned wherever the message is. The bounds of k, ef, rerank and dim are
 * checked here again, because the engine sizes its scratch memory by them.
 */
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Sequence } from './ids.ts';
import { LIMITS } from './limits.ts';
import { filterTextBytes, readBounded, readCode, readFilter, readPartition, writeFilter } from './query-item-codec.ts';
import type { ItemCodec, QueryVersion } from './query-item-codec.ts';
import { SEARCH_PATH_NAMES, SEARCH_PATH_NUMBERS } from './query-numbers.ts';
import type { SearchItem } from './query.ts';

const HEAD_BYTES = { 1: 32, 2: 48 } as const;
const INCLUDE_VALUES = 1;
const INCLUDE_PAYLOAD = 2;
const HAS_MAX_DISTANCE = 4;

function writeSearch(writer: ByteWriter, item: SearchItem, version: QueryVersion): void {
  writer.u64(item.code);
  writer.u64(item.after);
  writer.u32(Math.ceil(item.timeoutMs));
  writer.u16(item.partition);
  writer.u16(item.k);
  writer.u16(item.ef);
  writer.u16(item.rerank);
  writer.u16(item.vector.length);
  writer.u8(SEARCH_PATH_NUMBERS[item.path]);
  const includes = (item.includeValues ? INCLUDE_VALUES : 0) | (item.includePayload ? INCLUDE_PAYLOAD : 0);
  writer.u8(includes | (item.maxDistance === undefined ? 0 : HAS_MAX_DISTANCE));
  if (version === 2) {
    writer.f64(item.maxDistance ?? 0);
    writer.u32(item.filter?.byteLength ?? 0);
    writer.u32(0);
  }
  writer.vector(item.vector);
  writeFilter(writer, item.filter);
}

function readSearch(body: ByteReader, version: QueryVersion): SearchItem {
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
  if (flags > (INCLUDE_VALUES | INCLUDE_PAYLOAD | (version === 2 ? HAS_MAX_DISTANCE : 0))) throw body.error(`flags ${flags} cannot be`, 'flags');
  const more = version === 1 ? { filterBytes: 0 } : readMore(body, (flags & HAS_MAX_DISTANCE) !== 0);
  const vector = body.vector(dim, 'vector');
  const includeValues = (flags & INCLUDE_VALUES) !== 0;
  const includePayload = (flags & INCLUDE_PAYLOAD) !== 0;
  const { filterBytes, ...maxDistance } = more;
  return { code, partition, vector, k, ef, path, rerank, after, timeoutMs, includeValues, includePayload, ...maxDistance, ...readFilter(body, filterBytes) };
}

function readMore(body: ByteReader, hasMaxDistance: boolean): { readonly filterBytes: number; readonly maxDistance?: number } {
  const maxDistance = body.f64('maxDistance');
  // Object.is: -0 would be written back as another number.
  if (hasMaxDistance ? Number.isNaN(maxDistance) : !Object.is(maxDistance, 0)) throw body.error(`maxDistance ${maxDistance} cannot be`, 'maxDistance');
  const filterBytes = body.u32('filterBytes');
  body.zeros(4, 'filterBytes');
  return hasMaxDistance ? { filterBytes, maxDistance } : { filterBytes };
}

export const SEARCH_ITEM: ItemCodec<SearchItem> = {
  needsVersion2: ({ filter, maxDistance }) => filter !== undefined || maxDistance !== undefined,
  bytes: (item, version) => HEAD_BYTES[version] + item.vector.length * 4 + filterTextBytes(item.filter),
  write: writeSearch,
  read: readSearch,
};
