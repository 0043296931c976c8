/**
 * What lies where in a backup, a folder per backup:
 *
 *   <folder>/records.jsonl           tenants, one line each (records.ts)
 *   <folder>/slots/<slot, 4 digits>  a slot each (slot-backup-codec.ts of the protocol); slots that were never written to have none
 *   <folder>/manifest.json           this, written last: a folder without it is no backup
 *
 * The manifest is JSON: the members of `Manifest` and `sha256`, the digest of the JSON text of the others in their order. Numbers of formats only
 * grow, and every format that was ever written is read.
 */
import { createHash } from 'node:crypto';
import { ShoalError, parseEmbeddingName, parseTenantId, type EmbeddingName, type Sequence, type Slot, type TenantId } from '@shoal/protocol';
import { corrupt } from './backup-failure.ts';
import { BACKUP_LIMITS } from './limits.ts';
import { readWhole } from './measured-content.ts';
import type { BackupPlace } from './places/backup-place.ts';

export type BackupScope =
  | { readonly type: 'cluster' }
  | { readonly type: 'tenant'; readonly tenant: TenantId }
  | { readonly type: 'embedding'; readonly tenant: TenantId; readonly embedding: EmbeddingName };

export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface SlotFile extends StoredFile {
  readonly slot: Slot;
  /** Any sequence from here on can be restored. */
  readonly base: Sequence;
  /** The slot is in the backup up to here. */
  readonly to: Sequence;
}

export interface Manifest {
  readonly format: 1;
  /** Name of its folder. */
  readonly folder: string;
  readonly createdAt: string;
  /** Version of the gateway that gave it. */
  readonly shoal: string;
  readonly scope: BackupScope;
  /** Slots of the cluster. */
  readonly slots: number;
  readonly records: StoredFile;
  readonly files: readonly SlotFile[];
}

export const MANIFEST = 'manifest.json';
const FORMAT = 1;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify({ ...manifest, sha256: digestOf(JSON.stringify(manifest)) }, undefined, 2)}\n`, 'utf8');
}

/** Throws `backup_corrupt`, or `unsupported_version` for a format of a later release. */
export function decodeManifest(bytes: Uint8Array, name: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw corrupt(`The manifest of ${name} is not JSON.`, cause);
  }
  if (typeof value !== 'object' || value === null) throw corrupt(`The manifest of ${name} is no object.`);
  const { sha256, ...rest } = value as Readonly<Record<string, unknown>>;
  const { format } = rest;
  if (typeof format === 'number' && format > FORMAT) {
    throw new ShoalError('unsupported_version', `The backup ${name} has format ${format}; this release reads up to format ${FORMAT}.`, { field: 'format', limit: FORMAT });
  }
  if (sha256 !== digestOf(JSON.stringify(rest))) throw corrupt(`The manifest of ${name} does not fit its digest.`);
  // From here on it is what some release wrote.
  const scope = rest['scope'] as { readonly type: string; readonly tenant?: unknown; readonly embedding?: unknown };
  return { ...(rest as unknown as Manifest), scope: parseScope(scope, name) };
}

function parseScope({ type, tenant, embedding }: { readonly type: string; readonly tenant?: unknown; readonly embedding?: unknown }, name: string): BackupScope {
  switch (type) {
    case 'cluster':
      return { type };
    case 'tenant':
      return { type, tenant: parseTenantId(tenant) };
    case 'embedding':
      return { type, tenant: parseTenantId(tenant), embedding: parseEmbeddingName(embedding) };
    default:
      throw corrupt(`The backup ${name} is of an unknown kind.`);
  }
}

export async function readManifest(place: BackupPlace, folder: string, signal: AbortSignal): Promise<Manifest> {
  return decodeManifest(await readWhole(place.read(`${folder}/${MANIFEST}`, signal), BACKUP_LIMITS.manifestBytes), folder);
}

export const slotPath = (slot: Slot): string => `slots/${String(slot).padStart(4, '0')}`;
