/**
 * A digest of what a slot holds, as its callers see it: the same for two replicas at one sequence however their rows lie on disk.
 *
 *   digest := sum of terms mod 2^64, so that rows may come in any order and be taken away again
 *   term   := the first 8 bytes, little-endian, of SHA-256 over one of the texts below; integers are little-endian
 *     "v" code:u64 partition:u16 keyBytes:u16 key sequence:u64 timeMs:u64 component:f32 * dim     a vector
 *     "p" code:u64 partition:u16 keyBytes:u16 key changedAt:u64 payload                           its payload; changedAt is 0 for one that came with it
 *     "e" code:u64 partition:u16 state spec                                                       a partition: `active` or `dropped`, the specification as JSON
 *     "m" messageCount:u64                                                                        all messages that the slot has gone through
 *
 * A sum of hashes guards against faults, not against somebody who may choose the rows. What goes into a term is frozen by fixtures:
 * another choice is another DIGEST_VERSION, and digests of different versions are not compared.
 */
import { hash } from 'node:crypto';
import { embeddingSpecToJson, type EmbeddingSpec, type Sequence, type VectorKey } from '@shoal/protocol';
import type { PartitionRef } from './keyspace.ts';

export const DIGEST_VERSION = 1;

/** The two terms of one vector; the second is 0 without a payload. */
export interface RowDigest {
  readonly vector: bigint;
  readonly payload: bigint;
}

const HEAD_BYTES = 13;
let scratch = Buffer.allocUnsafe(64 * 1024);

function sumOf(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function termOf(text: Uint8Array): bigint {
  return hash('sha256', text, 'buffer').readBigUInt64LE(0);
}

/** Writes what names a row to the front of the scratch buffer, with room for so many bytes behind; returns where they begin. */
function writeHead(kind: 'v' | 'p', ref: PartitionRef, key: VectorKey, bodyBytes: number): number {
  const wanted = HEAD_BYTES + key.length * 3 + bodyBytes;
  if (scratch.length < wanted) scratch = Buffer.allocUnsafe(wanted * 2);
  scratch.write(kind, 0, 'latin1');
  scratch.writeBigUInt64LE(BigInt(ref.code), 1);
  scratch.writeUInt16LE(ref.partition, 9);
  const keyBytes = scratch.write(key, HEAD_BYTES, 'utf8');
  scratch.writeUInt16LE(keyBytes, 11);
  return HEAD_BYTES + keyBytes;
}

/** `body` is the stored vector without its seal: sequence, time and components. */
export function vectorTerm(ref: PartitionRef, key: VectorKey, body: Buffer): bigint {
  const start = writeHead('v', ref, key, body.length);
  body.copy(scratch, start);
  return termOf(scratch.subarray(0, start + body.length));
}

export function payloadTerm(ref: PartitionRef, key: VectorKey, payload: Uint8Array, changedAt: Sequence | undefined): bigint {
  const start = writeHead('p', ref, key, 8 + payload.length);
  scratch.writeBigUInt64LE(BigInt(changedAt ?? 0), start);
  scratch.set(payload, start + 8);
  return termOf(scratch.subarray(0, start + 8 + payload.length));
}

export function partitionTerm(ref: PartitionRef, state: 'active' | 'dropped', spec: EmbeddingSpec): bigint {
  const head = Buffer.alloc(11);
  head.write('e', 'latin1');
  head.writeBigUInt64LE(BigInt(ref.code), 1);
  head.writeUInt16LE(ref.partition, 9);
  return termOf(Buffer.concat([head, Buffer.from(`${state}${JSON.stringify(embeddingSpecToJson(spec))}`, 'utf8')]));
}

/** The digest that replicas compare: the sum over the rows of a slot, and how many messages led to them. */
export function slotDigest(rows: bigint, messageCount: number): bigint {
  const text = Buffer.alloc(9);
  text.write('m', 'latin1');
  text.writeBigUInt64LE(BigInt(messageCount), 1);
  return addDigest(rows, termOf(text));
}

export function addDigest(sum: bigint, change: bigint): bigint {
  return sumOf(sum + change);
}

export function rowSum(row: RowDigest): bigint {
  return sumOf(row.vector + row.payload);
}

/** As records hold it: 16 hexadecimal digits. */
export function digestText(digest: bigint): string {
  return sumOf(digest).toString(16).padStart(16, '0');
}

export function digestOfText(text: string): bigint {
  return BigInt(`0x${text}`);
}
