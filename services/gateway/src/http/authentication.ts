import { createHash, timingSafeEqual } from 'node:crypto';
import { DEFAULT_TENANT, ShoalError, parseTenantId, type Access, type EmbeddingName, type KeyRole, type TenantId } from '@shoal/protocol';
import type { Clock } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { AccessDirectory } from '../tenancy/access-directory.ts';
import type { ImportClaims, ImportTokens } from '../imports/import-token.ts';
import type { KeyRecord } from '../tenancy/access-records.ts';
import { hashSecret, parseApiKey } from '../tenancy/api-key.ts';

/** Who calls, as its key says. */
export interface Principal {
  readonly tenant: TenantId;
  readonly role: KeyRole | 'root';
  /** The id of the key, or `root`. */
  readonly keyId: string;
  /** The embeddings it is bound to; all of its tenant when absent. */
  readonly embeddings?: ReadonlySet<EmbeddingName>;
}

export interface AuthenticationOptions {
  readonly rootKey: string;
  readonly directory: AccessDirectory;
  /** Tokens by which workers write on behalf of imports. */
  readonly importTokens: ImportTokens;
  readonly clock: Clock;
  /** Whether tenants and keys are known yet. */
  readonly loaded: () => boolean;
}

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;
const RANKS: { readonly [role in Access]: number } = { open: 0, read: 1, write: 2, admin: 3, root: 4 };
/** Stands where no key is, so that an unknown key costs what a wrong secret costs. */
const NO_HASH = '0'.repeat(64);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const sameHash = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** A header that was checked, and the key record it was checked against; the record is another object after any change. */
type Verified =
  | { readonly type: 'root' }
  | { readonly type: 'import'; readonly claims: ImportClaims; readonly principal: Principal }
  | { readonly type: 'key'; readonly record: KeyRecord; readonly principal: Principal };

/**
 * Tells who calls.
 *
 * Invariants:
 * 1. Secrets are compared by their digests in constant time. An unknown, revoked, expired or wrong key, and one of a tenant that is being deleted,
 *    get the same answer at the same cost.
 * 2. A header that was checked is remembered, so that a request costs one look into a map; what is remembered counts only
 *    while the directory still has the very record it was checked against.
 */
export class Authentication {
  readonly #options: AuthenticationOptions;
  readonly #rootDigest: Buffer;
  readonly #verified = new Map<string, Verified>();

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    this.#rootDigest = digest(options.rootKey);
  }

  /** The caller of a request that needs `access`. Throws `unauthorized`, `forbidden`, `not_ready`; `tenant_not_found` for the root key. */
  callerOf(authorization: string | undefined, tenantHeader: string | string[] | undefined, access: Access): Principal {
    const verified = authorization === undefined ? undefined : (this.#known(authorization) ?? this.#verify(authorization));
    if (verified === undefined) throw unauthorized();
    if (verified.type === 'root') return this.#rootPrincipal(tenantHeader);
    const { principal } = verified;
    const { directory, clock } = this.#options;
    const endMs = verified.type === 'import' ? verified.claims.lastMs : verified.record.expiresAtMs;
    const isExpired = endMs !== undefined && endMs <= clock.nowMs();
    if (isExpired || directory.tenant(principal.tenant)?.state !== 'active') throw unauthorized();
    if (RANKS[principal.role] < RANKS[access]) {
      throw new ShoalError('forbidden', access === 'root' ? 'This needs the root key.' : `This needs a key with the role ${access}; this one has the role ${principal.role}.`);
    }
    if (tenantHeader !== undefined && tenantHeader !== principal.tenant) {
      throw new ShoalError('forbidden', 'Only the root key may speak for another tenant with X-Shoal-Tenant.', { field: 'x-shoal-tenant' });
    }
    return principal;
  }

  #known(authorization: string): Verified | undefined {
    const verified = this.#verified.get(authorization);
    if (verified === undefined || verified.type !== 'key') return verified;
    if (this.#options.directory.key(verified.record.id) === verified.record) return verified;
    this.#verified.delete(authorization);
    return undefined;
  }

  #verify(authorization: string): Verified | undefined {
    const text = BEARER.exec(authorization)?.[1];
    if (text === undefined) return undefined;
    if (timingSafeEqual(digest(text), this.#rootDigest)) return this.#remember(authorization, { type: 'root' });
    const claims = this.#options.importTokens.read(text);
    if (claims !== undefined) {
      if (!this.#options.loaded()) throw new ShoalError('not_ready', 'The tenants are still being loaded.');
      const { tenant, embedding, id } = claims;
      return this.#remember(authorization, { type: 'import', claims, principal: { tenant, role: 'write', keyId: `import ${id}`, embeddings: new Set([embedding]) } });
    }
    const presented = parseApiKey(text);
    if (presented === undefined) return undefined;
    if (!this.#options.loaded()) throw new ShoalError('not_ready', 'The keys are still being loaded.');
    const record = this.#options.directory.key(presented.id);
    if (!sameHash(hashSecret(presented.secret), record?.secretHash ?? NO_HASH) || record === undefined) return undefined;
    const { id, tenant, role, embeddings } = record;
    const principal: Principal = { tenant, role, keyId: id, ...(embeddings === undefined ? {} : { embeddings: new Set(embeddings) }) };
    return this.#remember(authorization, { type: 'key', record, principal });
  }

  #remember(authorization: string, verified: Verified): Verified {
    const oldest = this.#verified.keys().next();
    if (this.#verified.size >= GATEWAY_LIMITS.rememberedKeys && oldest.done !== true) this.#verified.delete(oldest.value);
    this.#verified.set(authorization, verified);
    return verified;
  }

  /** The root key speaks for the default tenant, or for the one that the header names. */
  #rootPrincipal(tenantHeader: string | string[] | undefined): Principal {
    if (tenantHeader === undefined) return ROOT;
    const tenant = parseTenantId(tenantHeader, 'x-shoal-tenant');
    if (this.#options.directory.tenant(tenant)?.state !== 'active') throw tenantNotFound('x-shoal-tenant');
    return { tenant, role: 'root', keyId: 'root' };
  }
}

const ROOT: Principal = { tenant: DEFAULT_TENANT, role: 'root', keyId: 'root' };

/** The same words for every reason. */
const unauthorized = (): ShoalError =>
  new ShoalError('unauthorized', 'Send the header Authorization: Bearer KEY with a valid API key.', { field: 'authorization' });

export const tenantNotFound = (field: string): ShoalError => new ShoalError('tenant_not_found', 'There is no tenant with this name.', { field });
