/**
 * Branded identifiers. Each has exactly one parser, which is the only place that makes one from untrusted input;
 * everything behind the edge trusts the type.
 */
import { parseWholeNumber } from './field-parsers.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Number of an embedding: unsigned 64-bit on wire and disk, given out in ascending order, never reused. Kept below 2^53 so that a number holds it. */
export type EmbeddingCode = Branded<number, 'EmbeddingCode'>;
/** Index of a partition inside an embedding, from 0. */
export type Partition = Branded<number, 'Partition'>;
/** Index of a lane of the log, from 0 to the cluster's slot count - 1. */
export type Slot = Branded<number, 'Slot'>;
/** Position of a message in its stream, from 1. 0 means "nothing yet". */
export type Sequence = Branded<number, 'Sequence'>;
/** Dense unsigned 32-bit number of a vector inside one partition. */
export type VecId = Branded<number, 'VecId'>;
/** The caller's name for a vector: 1 to LIMITS.keyBytes bytes of UTF-8. */
export type VectorKey = Branded<string, 'VectorKey'>;
export type TenantId = Branded<string, 'TenantId'>;
/** Name of an embedding inside its tenant: lower-case letters, digits, `-`, `_`, `.`; starts with a letter or digit. */
export type EmbeddingName = Branded<string, 'EmbeddingName'>;
export type ShardId = Branded<string, 'ShardId'>;
/** 128 random bits as 32 lower-case hexadecimal digits; names one mutation message however often it is sent. */
export type OperationId = Branded<string, 'OperationId'>;

const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]*$/;
const OPERATION_ID_PATTERN = /^[0-9a-f]{32}$/;

export function parseEmbeddingCode(value: unknown, field = 'code'): EmbeddingCode {
  return parseWholeNumber(value, field, 1, Number.MAX_SAFE_INTEGER) as EmbeddingCode;
}

export function parsePartition(value: unknown, field = 'partition'): Partition {
  return parseWholeNumber(value, field, 0, LIMITS.partitions - 1) as Partition;
}

export function parseSlot(value: unknown, field = 'slot'): Slot {
  return parseWholeNumber(value, field, 0, LIMITS.slots - 1) as Slot;
}

export function parseSequence(value: unknown, field = 'sequence'): Sequence {
  return parseWholeNumber(value, field, 0, Number.MAX_SAFE_INTEGER) as Sequence;
}

export function parseVecId(value: unknown, field = 'vecId'): VecId {
  return parseWholeNumber(value, field, 0, LIMITS.vectorsPerPartition - 1) as VecId;
}

/** Accepts 1 to LIMITS.keyBytes bytes of well-formed UTF-16 text; lone surrogates are refused because they have no UTF-8 form. */
export function parseVectorKey(value: unknown, field = 'key'): VectorKey {
  if (typeof value !== 'string') {
    throw new ShoalError('invalid_key', `${field} must be a string.`, { field });
  }
  if (value.length === 0) {
    throw new ShoalError('invalid_key', `${field} must not be empty.`, { field });
  }
  // A UTF-16 unit takes at least one byte of UTF-8, so this refuses a huge key before it is encoded.
  if (value.length > LIMITS.keyBytes || Buffer.byteLength(value, 'utf8') > LIMITS.keyBytes) {
    throw new ShoalError('invalid_key', `${field} is longer than ${LIMITS.keyBytes} bytes of UTF-8.`, { field, limit: LIMITS.keyBytes });
  }
  if (!value.isWellFormed()) {
    throw new ShoalError('invalid_key', `${field} contains a lone surrogate, which has no UTF-8 form.`, { field });
  }
  return value as VectorKey;
}

function parseName<Name extends string>(value: unknown, field: string): Branded<string, Name> {
  if (typeof value !== 'string' || value.length === 0 || value.length > LIMITS.nameChars || !NAME_PATTERN.test(value)) {
    throw new ShoalError(
      'invalid_field',
      `${field} must be 1 to ${LIMITS.nameChars} lower-case letters, digits, ".", "_" or "-", and start with a letter or digit.`,
      { field, limit: LIMITS.nameChars },
    );
  }
  return value as Branded<string, Name>;
}

export function parseEmbeddingName(value: unknown, field = 'name'): EmbeddingName {
  return parseName<'EmbeddingName'>(value, field);
}

export function parseTenantId(value: unknown, field = 'tenant'): TenantId {
  return parseName<'TenantId'>(value, field);
}

export function parseShardId(value: unknown, field = 'shard'): ShardId {
  return parseName<'ShardId'>(value, field);
}

export function parseOperationId(value: unknown, field = 'operationId'): OperationId {
  if (typeof value !== 'string' || !OPERATION_ID_PATTERN.test(value)) {
    throw new ShoalError('invalid_field', `${field} must be 32 lower-case hexadecimal digits.`, { field });
  }
  return value as OperationId;
}
