/**
 * Identities of messages that a caller may repeat under an idempotency key, derived so that any gateway derives the same ones: the
 * idempotency id from (tenant, embedding, key, place of the message in the write), the operation id from that and the content.
 */
import { createHash } from 'node:crypto';
import type { EmbeddingCode, OperationId, Partition, TenantId } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { VectorOperation } from './mutation.ts';
import { ShoalError } from './shoal-error.ts';
import type { MessageIdentity } from './write-splitting.ts';

export const IDEMPOTENCY_HEADER = 'idempotency-key';
const KEY_PATTERN = /^[\x21-\x7e]+$/;
const ID_HEX_DIGITS = 32;

/** The value of an Idempotency-Key header. Throws `invalid_field`. */
export function parseIdempotencyKey(value: unknown): string {
  if (typeof value !== 'string' || value.length > LIMITS.idempotencyKeyChars || !KEY_PATTERN.test(value)) {
    throw new ShoalError('invalid_field', `${IDEMPOTENCY_HEADER} must be 1 to ${LIMITS.idempotencyKeyChars} printable ASCII characters without blanks.`, {
      field: IDEMPOTENCY_HEADER,
      limit: LIMITS.idempotencyKeyChars,
    });
  }
  return value;
}

export interface IdempotencyScope {
  readonly tenant: TenantId;
  readonly code: EmbeddingCode;
  readonly key: string;
}

export interface MessagePlace {
  readonly partition: Partition;
  /** Counts the messages of the write to this partition. */
  readonly index: number;
}

/** The first 128 bits of the SHA-256 of a text. */
export const digestText = (text: string): OperationId => createHash('sha256').update(text).digest('hex').slice(0, ID_HEX_DIGITS) as OperationId;

/** `content` is a digest of what the message says. */
export function repeatableIdentity({ tenant, code, key }: IdempotencyScope, { partition, index }: MessagePlace, content: string): MessageIdentity {
  const idempotencyId = digestText(JSON.stringify([tenant, code, key, partition, index]));
  return { idempotencyId, operationId: digestText(`${idempotencyId}${content}`) };
}

/** Equal for equal operations in the same order, and only for those. */
export function digestOperations(operations: readonly VectorOperation[]): string {
  const hash = createHash('sha256');
  for (const operation of operations) {
    const vector = 'vector' in operation ? operation.vector : undefined;
    const payload = 'payload' in operation ? operation.payload : undefined;
    hash.update(JSON.stringify([operation.type, operation.key, operation.ifSequence ?? null, vector?.byteLength ?? 0, payload?.byteLength ?? 0]));
    if (vector !== undefined) hash.update(vector);
    if (payload !== undefined) hash.update(payload);
  }
  return hash.digest('hex');
}

export function digestBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
