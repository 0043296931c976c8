import { createHash, timingSafeEqual } from 'node:crypto';
import { ShoalError, parseTenantId, type TenantId } from '@shoal/protocol';

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;
/** Every key belongs to this tenant until keys are managed. */
export const DEFAULT_TENANT: TenantId = parseTenantId('default');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tells who calls. Keys are compared by their digests in constant time, so the answer's timing tells nothing of the key. */
export class Authentication {
  readonly #rootDigest: Buffer;

  constructor(rootKey: string) {
    this.#rootDigest = digest(rootKey);
  }

  /** The tenant of an Authorization header. Throws `unauthorized`. */
  tenantOf(authorization: string | undefined): TenantId {
    const key = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (key === undefined || !timingSafeEqual(digest(key), this.#rootDigest)) {
      throw new ShoalError('unauthorized', 'Send the header Authorization: Bearer KEY with a valid API key.', { field: 'authorization' });
    }
    return DEFAULT_TENANT;
  }
}
