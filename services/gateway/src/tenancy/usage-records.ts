/**
 * Usage in the registry: one entry per tenant.
 *
 *   usage.<tenant>      sums, and for each of the last writers the number of the flush that is in them      tenant: base64url
 *
 * Sealed as registry/sealed-json.ts says.
 */
import type { TenantId } from '@shoal/protocol';
import { damaged, open, seal } from '../registry/sealed-json.ts';

export const USAGE_SUMS = ['requests', 'refused', 'distances', 'vectorsWritten', 'bytesIn', 'bytesOut'] as const;
export type UsageSums = { readonly [Sum in (typeof USAGE_SUMS)[number]]: number };

export const NO_USAGE: UsageSums = { requests: 0, refused: 0, distances: 0, vectorsWritten: 0, bytesIn: 0, bytesOut: 0 };

export interface Writer {
  readonly writer: string;
  /** The last flush of this writer that the sums include. */
  readonly flush: number;
}

export interface UsageRecord {
  readonly sinceMs: number;
  readonly sums: UsageSums;
  /** The last to write stands last. */
  readonly writers: readonly Writer[];
}

export const usageKey = (tenant: TenantId): string => `usage.${Buffer.from(tenant, 'utf8').toString('base64url')}`;

export const encodeUsage = (record: UsageRecord): Uint8Array => seal({ ...record });

export function addSums(a: UsageSums, b: UsageSums): UsageSums {
  return Object.fromEntries(USAGE_SUMS.map((sum) => [sum, a[sum] + b[sum]])) as UsageSums;
}

export function decodeUsage(key: string, value: Uint8Array): UsageRecord {
  const { sinceMs, sums, writers } = open(key, value) as { sinceMs?: unknown; sums?: unknown; writers?: unknown };
  if (typeof sinceMs !== 'number' || !Array.isArray(writers) || typeof sums !== 'object' || sums === null) throw damaged(key);
  const known = { ...NO_USAGE, ...sums } as UsageSums;
  if (USAGE_SUMS.some((sum) => !Number.isFinite(known[sum]))) throw damaged(key);
  return { sinceMs, sums: known, writers: writers as readonly Writer[] };
}
