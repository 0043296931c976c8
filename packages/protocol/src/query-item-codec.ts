/** How one kind of item of a query message is sized, written and read, and what all kinds have in common. */
import { paddingTo4 } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { EmbeddingCode, Partition } from './ids.ts';
import { LIMITS } from './limits.ts';

export type QueryVersion = 1 | 2;

export interface ItemCodec<Item> {
  readonly needsVersion2: (item: Item) => boolean;
  readonly bytes: (item: Item, version: QueryVersion) => number;
  readonly write: (writer: ByteWriter, item: Item, version: QueryVersion) => void;
  readonly read: (body: ByteReader, version: QueryVersion) => Item;
}

export function readCode(body: ByteReader): EmbeddingCode {
  const code = body.u64('code');
  if (code === 0) throw body.error('code 0 cannot be', 'code');
  return code as EmbeddingCode;
}

export function readBounded(body: ByteReader, field: string, minimum: number, maximum: number): number {
  const value = body.u16(field);
  if (value < minimum || value > maximum) throw body.error(`${field} ${value} cannot be`, field);
  return value;
}

export const readPartition = (body: ByteReader): Partition => readBounded(body, 'partition', 0, LIMITS.partitions - 1) as Partition;

/** A filter's text and the zeros behind it. */
export function filterTextBytes(filter: Uint8Array | undefined): number {
  const sizeBytes = filter?.byteLength ?? 0;
  return sizeBytes + paddingTo4(sizeBytes);
}

export function writeFilter(writer: ByteWriter, filter: Uint8Array | undefined): void {
  if (filter === undefined) return;
  writer.raw(filter);
  writer.zeros(paddingTo4(filter.byteLength));
}

/** Nothing where the size is 0. */
export function readFilter(body: ByteReader, sizeBytes: number): { readonly filter?: Uint8Array } {
  if (sizeBytes > LIMITS.filterBytes) throw body.error(`a filter of ${sizeBytes} bytes cannot be`, 'filter');
  if (sizeBytes === 0) return {};
  const filter = body.raw(sizeBytes, 'filter');
  body.zeros(paddingTo4(sizeBytes), 'filter');
  return { filter };
}
