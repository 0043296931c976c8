import { createHash } from 'node:crypto';
import type { OperationId } from '@shoal/protocol';

/**
 * An API key names itself, so that finding it is one look into a map:
 *
 *   key     := "shoal_" id "_" secret
 *   id      := 16 lower-case hexadecimal digits; no secret, it stands in lists and logs
 *   secret  := 256 random bits as base64url
 *
 * Only the SHA-256 of the secret is kept. A fast hash is right here: nobody can guess 256 random bits.
 */
const KEY = /^shoal_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
export const KEY_ID = /^[0-9a-f]{16}$/;

export interface PresentedKey {
  readonly id: string;
  readonly secret: string;
}

export interface NewApiKey {
  readonly id: string;
  /** The whole key, for the caller's eyes only. */
  readonly key: string;
  readonly secretHash: string;
}

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export function newApiKey(newOperationId: () => OperationId): NewApiKey {
  const id = newOperationId().slice(0, 16);
  const secret = Buffer.from(newOperationId() + newOperationId(), 'hex').toString('base64url');
  return { id, key: `shoal_${id}_${secret}`, secretHash: hashSecret(secret) };
}

/** The parts of a key; undefined for a text that cannot be one. */
export function parseApiKey(text: string): PresentedKey | undefined {
  const match = KEY.exec(text);
  return match === null ? undefined : { id: match[1] ?? '', secret: match[2] ?? '' };
}
