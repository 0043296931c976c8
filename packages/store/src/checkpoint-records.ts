/**
 * What a partition keeps of its index's file: which file it is, and which ids changed since. Integers are little-endian; both are sealed.
 *
 *   checkpointRecord := JSON {file, operationCount, fileBytes}
 *   changes          := toOperation:u64 vecId:u32 *          the key has the count of operations before them
 *
 * Neither is part of what the log says: replicas write files when it suits them.
 */
import { ShoalError, type VecId } from '@shoal/protocol';
import { BODY_START, seal, sealBytes, unseal, unsealed } from './sealed-value.ts';

export interface CheckpointRecord {
  /** Name of the file. */
  readonly file: string;
  /** Operations of the partition that the file has for certain. */
  readonly operationCount: number;
  readonly fileBytes: number;
}

/** Ids that were given a vector or lost it by the operations (fromOperation, toOperation]. */
export interface ChangedIds {
  readonly fromOperation: number;
  readonly toOperation: number;
  readonly ids: readonly VecId[];
}

export function encodeCheckpointRecord(record: CheckpointRecord): Buffer {
  return sealBytes(Buffer.from(JSON.stringify(record), 'utf8'));
}

export function decodeCheckpointRecord(value: Buffer): CheckpointRecord {
  const { file, operationCount, fileBytes } = JSON.parse(unseal(value, 'checkpoint record').toString('utf8')) as CheckpointRecord;
  return { file, operationCount, fileBytes };
}

export function encodeChanges(toOperation: number, ids: readonly VecId[]): Buffer {
  const value = unsealed(8 + 4 * ids.length);
  value.writeBigUInt64LE(BigInt(toOperation), BODY_START);
  for (const [i, id] of ids.entries()) value.writeUInt32LE(id, BODY_START + 8 + 4 * i);
  return seal(value);
}

export function decodeChanges(fromOperation: number, value: Buffer): ChangedIds {
  const body = unseal(value, 'list of changed ids');
  if (body.length < 8 || body.length % 4 !== 0) throw new ShoalError('store_corrupt', 'A list of changed ids on disk has a wrong length. Set the data directory aside and start again; the log is replayed.');
  const ids = Array.from({ length: (body.length - 8) / 4 }, (_, i) => body.readUInt32LE(8 + 4 * i) as VecId);
  return { fromOperation, toOperation: Number(body.readBigUInt64LE(0)), ids };
}
