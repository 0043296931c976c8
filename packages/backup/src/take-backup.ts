/** Takes a backup: first where the log stands, then tenants and embeddings, then every slot up to there, the manifest last. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupStart, EmbeddingDescription, ShoalClient } from '@shoal/client';
import { ShoalError, parsePartition, slotOf, type EmbeddingCode, type Sequence, type Slot } from '@shoal/protocol';
import { corrupt } from './backup-failure.ts';
import { BACKUP_LIMITS } from './limits.ts';
import { MANIFEST, encodeManifest, slotPath, type BackupScope, type Manifest, type SlotFile, type StoredFile } from './manifest.ts';
import { MeasuredContent } from './measured-content.ts';
import type { BackupPlace } from './places/backup-place.ts';
import { encodeTenant } from './records.ts';
import { SlotTranscript } from './slot-transcript.ts';

export interface BackupRun {
  /** With the root key. */
  readonly client: ShoalClient;
  readonly place: BackupPlace;
  readonly scope: BackupScope;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Called after every slot. */
  readonly onProgress?: (progress: { readonly slotsDone: number; readonly slotCount: number; readonly bytes: number }) => void;
}

/** `20261123T124500123Z-3fa2`: in the order of time. */
function folderName(nowMs: number): string {
  return `${new Date(nowMs).toISOString().replaceAll(/[-:.]/g, '')}-${randomBytes(2).toString('hex')}`;
}

/**
 * Everything that was acknowledged before the call is in the backup. Throws `backup_unavailable`, `embedding_not_found`, `tenant_not_found`, or
 * what a gateway answers; then there is no backup, and what was stored of it is removed.
 */
export async function takeBackup(run: BackupRun): Promise<Manifest> {
  const { client, place, scope, signal } = run;
  const folder = folderName(run.nowMs());
  try {
    const start = await client.backup.start({ signal });
    const codes = new Set<EmbeddingCode>();
    const wantedSlots = new Set<Slot>();
    const records = await storeFile(place, folder, 'records.jsonl', recordLines(run, start, codes, wantedSlots), signal);
    const slots = Object.keys(start.receipt).map((slot) => Number(slot) as Slot).filter((slot) => scope.type === 'cluster' || wantedSlots.has(slot));
    const files: SlotFile[] = [];
    for (const slot of slots) {
      files.push(await storeSlot(run, folder, slot, start.receipt[slot] as Sequence, scope.type === 'cluster' ? undefined : (code) => codes.has(code)));
      run.onProgress?.({ slotsDone: files.length, slotCount: slots.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, records.bytes) });
    }
    const manifest: Manifest = { format: 1, folder, createdAt: start.at, shoal: start.version, scope, slots: start.slots, records, files };
    await place.write(`${folder}/${MANIFEST}`, oneOf(encodeManifest(manifest)), signal);
    return manifest;
  } catch (error) {
    await place.remove(folder, MANIFEST).catch(() => undefined);
    throw error;
  }
}

async function* oneOf(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}

async function storeFile(place: BackupPlace, folder: string, path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredFile> {
  const measured = new MeasuredContent(content);
  await place.write(`${folder}/${path}`, measured.pieces(), signal);
  return measured.stored(path);
}

/** The log may be trimmed under a stream, and gateways may end: a slot is then read anew from its beginning. */
async function storeSlot({ client, place, signal }: BackupRun, folder: string, slot: Slot, to: Sequence, isWanted: ((code: EmbeddingCode) => boolean) | undefined): Promise<SlotFile> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const transcript = new SlotTranscript(client.backup.slot(slot, to, signal), isWanted);
      const stored = await storeFile(place, folder, slotPath(slot), transcript.pieces(), signal);
      const { header } = transcript;
      if (header === undefined || header.slot !== slot || header.to < to) throw corrupt(`The gateway gave another part of the log than slot ${slot} up to ${to}.`);
      return { ...stored, slot, base: header.base, to: header.to };
    } catch (error) {
      const again = error instanceof ShoalError && (error.retryable || error.code === 'backup_corrupt');
      if (!again || attempt >= BACKUP_LIMITS.slotAttempts || signal.aborted) throw error;
      await sleep(BACKUP_LIMITS.retryMs * attempt, undefined, { signal });
    }
  }
}

/** One line per tenant; on the way the codes and slots of the embeddings are gathered. */
async function* recordLines({ client, scope, signal }: BackupRun, { slots }: BackupStart, codes: Set<EmbeddingCode>, wantedSlots: Set<Slot>): AsyncGenerator<Uint8Array> {
  const names = scope.type === 'cluster' ? (await client.tenants.list({ signal })).filter(({ state }) => state === 'active').map(({ tenant }) => tenant) : [scope.tenant];
  for (const name of names) {
    const found = await tenantOf(client, name, scope, signal);
    if (found === undefined) continue;
    for (const { code, partitions } of found.embeddings) {
      codes.add(code as EmbeddingCode);
      for (let index = 0; index < partitions; index += 1) wantedSlots.add(slotOf(code as EmbeddingCode, parsePartition(index), slots));
    }
    yield encodeTenant(found.tenant, found.embeddings);
  }
}

type FoundTenant = { readonly tenant: Parameters<typeof encodeTenant>[0]; readonly embeddings: readonly EmbeddingDescription[] };

/** Undefined for a tenant that was deleted since it was listed. */
async function tenantOf(client: ShoalClient, name: string, scope: BackupScope, signal: AbortSignal): Promise<FoundTenant | undefined> {
  try {
    const tenant = await client.backup.tenant(name, { signal });
    const embeddings = await client.backup.embeddings(name, { signal });
    if (scope.type !== 'embedding') return { tenant, embeddings };
    const wanted = embeddings.find((embedding) => embedding.name === scope.embedding);
    if (wanted === undefined) throw new ShoalError('embedding_not_found', `The tenant ${name} has no embedding with the name ${scope.embedding}.`, { field: 'embedding' });
    const aliases = tenant.aliases.filter(({ embedding }) => embedding === scope.embedding);
    return { tenant: { ...tenant, quotas: {}, keys: [], aliases }, embeddings: [wanted] };
  } catch (error) {
    if (scope.type === 'cluster' && error instanceof ShoalError && error.code === 'tenant_not_found') return undefined;
    throw error;
  }
}
