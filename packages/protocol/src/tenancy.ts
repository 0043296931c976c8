/** Tenants, their keys and quotas: the types, and the parsers of requests about them. */
import { isJsonObject, memberPath, missingField, parseArray, parseChoice, parseFields, parseWholeNumber, requiredMember, type Fields } from './field-parsers.ts';
import { parseEmbeddingName, parseTenantId, type EmbeddingName, type TenantId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

/** What a key of a tenant may do; each role includes those before it. */
export const KEY_ROLES = ['read', 'write', 'admin'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** Requests without a key of another tenant belong to this one; it is there from the start and cannot be deleted. */
export const DEFAULT_TENANT: TenantId = parseTenantId('default');

/** Bounds of one tenant; what is absent is bounded by the limits of the cluster only. */
export const QUOTA_NAMES = ['embeddings', 'vectors', 'bytes', 'requestsPerSecond', 'vectorsPerSecond'] as const;
export type QuotaName = (typeof QUOTA_NAMES)[number];
export type TenantQuotas = { readonly [Name in QuotaName]?: number };

export interface TenantRequest {
  readonly tenant: TenantId;
  readonly quotas: TenantQuotas;
}

/** Quotas that change; null takes the bound away. */
export type QuotaChanges = { readonly [Name in QuotaName]?: number | null };

export interface KeyRequest {
  readonly role: KeyRole;
  /** For people. */
  readonly name?: string;
  /** The embeddings that the key is for; all of the tenant's when absent. */
  readonly embeddings?: readonly EmbeddingName[];
  readonly expiresAtMs?: number;
}

function parseQuota(value: unknown, field: string): number {
  return parseWholeNumber(value, field, 0, Number.MAX_SAFE_INTEGER);
}

/** Throws `invalid_field` or `unknown_field`. */
export function parseQuotas(value: unknown, field = 'quotas'): TenantQuotas {
  const fields = parseFields(value, field, QUOTA_NAMES);
  return Object.fromEntries(Object.entries(fields).map(([name, quota]) => [name, parseQuota(quota, memberPath(field, name))]));
}

export function parseTenantRequest(body: unknown): TenantRequest {
  const fields = parseFields(body, '', ['tenant', 'quotas']);
  const quotas = fields['quotas'];
  return {
    tenant: parseTenantId(requiredMember(fields, '', 'tenant')),
    quotas: quotas === undefined ? {} : parseQuotas(quotas),
  };
}

export function parseTenantChange(body: unknown): QuotaChanges {
  const quotas = parseFields(requiredMember(parseFields(body, '', ['quotas']), '', 'quotas'), 'quotas', QUOTA_NAMES);
  return Object.fromEntries(Object.entries(quotas).map(([name, quota]) => [name, quota === null ? null : parseQuota(quota, `quotas.${name}`)]));
}

/** The quotas after a change. */
export function changedQuotas(quotas: TenantQuotas, changes: QuotaChanges): TenantQuotas {
  return Object.fromEntries(Object.entries({ ...quotas, ...changes }).filter(([, quota]) => quota !== null && quota !== undefined)) as TenantQuotas;
}

function parseKeyName(value: unknown): string {
  if (typeof value !== 'string' || value.length > LIMITS.nameChars || !value.isWellFormed() || /\p{Cc}/u.test(value)) {
    throw new ShoalError('invalid_field', `name must be at most ${LIMITS.nameChars} characters without control characters.`, { field: 'name', limit: LIMITS.nameChars });
  }
  return value;
}

const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A time as RFC 3339 writes it. */
function parseTime(value: unknown, field: string): number {
  const timeMs = typeof value === 'string' && UTC_TIME.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(timeMs)) throw new ShoalError('invalid_field', `${field} must be a time such as 2030-01-31T12:00:00Z.`, { field });
  return timeMs;
}

function parseScope(value: unknown): readonly EmbeddingName[] {
  const names = parseArray(value, 'embeddings', 1, LIMITS.embeddingsPerKey);
  return [...new Set(names.map((name, index) => parseEmbeddingName(name, `embeddings[${index}]`)))];
}

const optional = <T>(fields: Fields, name: string, parse: (value: unknown) => T): T | undefined => {
  const value = fields[name];
  return value === undefined ? undefined : parse(value);
};

export function parseKeyRequest(body: unknown): KeyRequest {
  const fields = parseFields(body, '', ['role', 'name', 'embeddings', 'expiresAt']);
  const role = parseChoice(requiredMember(fields, '', 'role'), 'role', KEY_ROLES);
  const name = optional(fields, 'name', parseKeyName);
  const embeddings = optional(fields, 'embeddings', parseScope);
  const expiresAtMs = optional(fields, 'expiresAt', (value) => parseTime(value, 'expiresAt'));
  if (role === 'admin' && embeddings !== undefined) {
    throw new ShoalError('invalid_field', 'A key with the role admin is for the whole tenant; leave embeddings out.', { field: 'embeddings' });
  }
  return { role, ...(name === undefined ? {} : { name }), ...(embeddings === undefined ? {} : { embeddings }), ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}

/** A key as a backup has it. */
export interface KeyToRestore extends KeyRequest {
  readonly createdAtMs: number;
  /** Lower-case hexadecimal SHA-256 of the secret. */
  readonly secretHash: string;
}

/** Parses the body of PUT /v1/keys/{id}; throws as `parseKeyRequest` does. */
export function parseKeyToRestore(body: unknown): KeyToRestore {
  const { createdAt, secretHash, ...request } = parseFields(body, '', ['role', 'name', 'embeddings', 'expiresAt', 'createdAt', 'secretHash']);
  if (createdAt === undefined) throw missingField('createdAt');
  if (typeof secretHash !== 'string' || !/^[0-9a-f]{64}$/.test(secretHash)) {
    throw new ShoalError('invalid_field', 'secretHash must be 64 lower-case hexadecimal digits.', { field: 'secretHash' });
  }
  return { ...parseKeyRequest(request), createdAtMs: parseTime(createdAt, 'createdAt'), secretHash };
}

/** Whether a value read back from storage has the form of quotas. */
export function isQuotas(value: unknown): value is TenantQuotas {
  return isJsonObject(value) && Object.entries(value).every(([name, quota]) => QUOTA_NAMES.some((known) => known === name) && Number.isSafeInteger(quota));
}
