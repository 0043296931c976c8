/**
 * Tenants and keys in the registry, under one prefix, so that one watch tells everything about who may do what.
 *
 *   access.tenant.<tenant>     the tenant, its state and quotas      tenant: base64url of its name
 *   access.key.<id>            a key without its secret              deleted when it is revoked
 *
 * Values are sealed as registry/sealed-json.ts says.
 */
import {
  KEY_ROLES, TENANT_STATES, isQuotas, parseEmbeddingName, parseTenantId,
  type EmbeddingName, type KeyRole, type TenantId, type TenantQuotas,
} from '@shoal/protocol';
import { damaged, open, seal } from '../registry/sealed-json.ts';
import { KEY_ID } from './api-key.ts';

export interface TenantRecord {
  readonly tenant: TenantId;
  readonly state: (typeof TENANT_STATES)[number];
  readonly quotas: TenantQuotas;
  readonly createdAtMs: number;
}

export interface KeyRecord {
  readonly id: string;
  readonly tenant: TenantId;
  readonly role: KeyRole;
  /** Lower-case hexadecimal. */
  readonly secretHash: string;
  readonly createdAtMs: number;
  readonly name?: string;
  readonly embeddings?: readonly EmbeddingName[];
  readonly expiresAtMs?: number;
}

export const ACCESS_PREFIX = 'access';
const token = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');

export const ACCESS_KEYS = {
  tenant: (tenant: TenantId): string => `${ACCESS_PREFIX}.tenant.${token(tenant)}`,
  key: (id: string): string => `${ACCESS_PREFIX}.key.${id}`,
} as const;

/** What an entry of the registry is about. */
export type AccessSubject = { readonly type: 'tenant'; readonly tenant: TenantId } | { readonly type: 'key'; readonly id: string };

export function subjectOf(key: string): AccessSubject | undefined {
  const [, type, name = ''] = key.split('.');
  if (type === 'key' && KEY_ID.test(name)) return { type, id: name };
  if (type === 'tenant') return { type, tenant: parseTenantId(Buffer.from(name, 'base64url').toString('utf8')) };
  return undefined;
}

export const encodeTenant = (record: TenantRecord): Uint8Array => seal({ ...record });
export const encodeKey = (record: KeyRecord): Uint8Array => seal({ ...record });

function timeMs(key: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw damaged(key);
  return value;
}

export function decodeTenant(key: string, value: Uint8Array): TenantRecord {
  const fields = open(key, value);
  const state = TENANT_STATES.find((known) => known === fields['state']);
  const { quotas } = fields;
  if (state === undefined || !isQuotas(quotas)) throw damaged(key);
  return { tenant: parseTenantId(fields['tenant']), state, quotas, createdAtMs: timeMs(key, fields['createdAtMs']) };
}

export function decodeKey(key: string, value: Uint8Array): KeyRecord {
  const fields = open(key, value);
  const { id, secretHash, name, embeddings, expiresAtMs } = fields;
  const role = KEY_ROLES.find((known) => known === fields['role']);
  if (role === undefined || typeof id !== 'string' || typeof secretHash !== 'string') throw damaged(key);
  if (embeddings !== undefined && !Array.isArray(embeddings)) throw damaged(key);
  return {
    id, role, secretHash,
    tenant: parseTenantId(fields['tenant']),
    createdAtMs: timeMs(key, fields['createdAtMs']),
    ...(typeof name === 'string' ? { name } : {}),
    ...(embeddings === undefined ? {} : { embeddings: embeddings.map((embedding) => parseEmbeddingName(embedding)) }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs: timeMs(key, expiresAtMs) }),
  };
}
