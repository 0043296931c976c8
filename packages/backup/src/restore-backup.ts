/**
 * Restores a backup through the public API: embeddings are registered anew, with codes of their own, and every slot is rebuilt and written again.
 *
 * Invariants:
 * 1. Nothing is changed before the whole plan is known to be free of conflicts.
 * 2. Every step states its end, so that a restore that was interrupted and is repeated with `resume` ends in the same state.
 * 3. A slot's vectors are written only when all of its file has been found to be what was stored.
 * 4. Keys come back last: nobody can use what is not whole.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReceiptJson, ShoalClient } from '@shoal/client';
import { ShoalError, mergeReceipts, parsePartition, parseReceipt, receiptToJson, slotOf, type Receipt, LIMITS } from '@shoal/protocol';
import { corrupt } from './backup-failure.ts';
import { BACKUP_LIMITS } from './limits.ts';
import { readManifest, type Manifest, type SlotFile } from './manifest.ts';
import { checkedContent, readWhole } from './measured-content.ts';
import type { BackupPlace } from './places/backup-place.ts';
import { RebuiltSlot } from './rebuilt-slot.ts';
import { decodeTenants } from './records.ts';
import { planRestore, readExisting, refuseConflicts, registrationOf, type Existing, type PlannedEmbedding, type PlannedTenant, type RestoreSelection, type RestoreTarget } from './restore-plan.ts';

export interface RestoreRun {
  /** A client with the root key that speaks for a tenant. */
  readonly clientOf: (tenant: string) => ShoalClient;
  readonly place: BackupPlace;
  readonly folder: string;
  readonly selection: RestoreSelection;
  readonly target: RestoreTarget;
  /** Slots that are named end at their sequence. */
  readonly receipt?: ReceiptJson;
  /** All slots end at the last message that the log took by then. */
  readonly untilMs?: number;
  /** What is there already was begun by an earlier run of this restore. */
  readonly resume: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly slotsDone: number; readonly slotCount: number; readonly vectors: number }) => void;
}

export interface RestoredEmbedding {
  readonly tenant: string;
  readonly name: string;
  /** Vectors that the backup has of it. */
  readonly vectors: number;
  /** Vectors that it has now; others when somebody else writes to it. */
  readonly counted: number;
  readonly receipt: ReceiptJson;
}

export interface RestoreResult {
  readonly embeddings: readonly RestoredEmbedding[];
  readonly tenants: number;
  readonly keys: number;
  readonly aliases: number;
}

class Tally {
  vectors = 0;
  receipt: Receipt = new Map();
}

/** Throws `backup_corrupt`, `backup_unavailable`, `restore_conflict`, `invalid_field`, or what a gateway answers. */
export async function restoreBackup(run: RestoreRun): Promise<RestoreResult> {
  const { place, folder, signal } = run;
  const manifest = await readManifest(place, folder, signal);
  const { records } = manifest;
  const tenants = decodeTenants(await readWhole(checkedContent(place.read(`${folder}/${records.path}`, signal), records), BACKUP_LIMITS.recordsBytes));
  const plan = planRestore(tenants, run.selection, run.target);
  const existing = await readExisting(run.clientOf('default'), plan, signal);
  refuseConflicts(plan, existing, run.resume);
  const embeddings = plan.flatMap((tenant) => tenant.embeddings);
  await registerAll(run, plan, existing);
  const tallies = await restoreVectors(run, manifest, embeddings);
  for (const tenant of plan) await finishTenant(run, tenant, existing);
  return {
    embeddings: await countAll(run, embeddings, tallies),
    tenants: plan.filter(({ whole }) => whole).length,
    keys: plan.reduce((sum, { keys }) => sum + keys.length, 0),
    aliases: plan.reduce((sum, { aliases }) => sum + aliases.length, 0),
  };
}

/** Tenants without quotas at first, which the restore might pass on its way. */
async function registerAll({ clientOf, signal }: RestoreRun, plan: readonly PlannedTenant[], existing: Existing): Promise<void> {
  for (const { target, embeddings } of plan) {
    if (!existing.tenants.has(target)) await clientOf('default').tenants.create({ tenant: target }, { signal });
    const client = clientOf(target);
    for (const embedding of embeddings) await client.register(registrationOf(embedding), { signal });
  }
}

async function restoreVectors(run: RestoreRun, manifest: Manifest, embeddings: readonly PlannedEmbedding[]): Promise<Map<PlannedEmbedding, Tally>> {
  const tallies = new Map(embeddings.map((embedding) => [embedding, new Tally()]));
  const bySlot = new Map<number, PlannedEmbedding[]>();
  for (const embedding of embeddings) {
    const { code, partitions } = embedding.source;
    const slots = new Set(Array.from({ length: partitions }, (_, index) => slotOf(code, parsePartition(index), manifest.slots)));
    for (const slot of slots) bySlot.set(slot, [...(bySlot.get(slot) ?? []), embedding]);
  }
  const files = manifest.files.filter(({ slot }) => bySlot.has(slot));
  let vectors = 0;
  for (const [index, file] of files.entries()) {
    vectors += await restoreSlot(run, file, bySlot.get(file.slot) ?? [], tallies);
    run.onProgress?.({ slotsDone: index + 1, slotCount: files.length, vectors });
  }
  return tallies;
}

async function restoreSlot(run: RestoreRun, file: SlotFile, embeddings: readonly PlannedEmbedding[], tallies: ReadonlyMap<PlannedEmbedding, Tally>): Promise<number> {
  const { place, folder, receipt, untilMs, signal } = run;
  const sequence = receipt?.[String(file.slot)];
  if (sequence !== undefined && sequence > file.to) throw new ShoalError('invalid_field', `Slot ${file.slot} of the backup ends at ${file.to}; the receipt names ${sequence}.`, { field: 'receipt', limit: file.to });
  const directory = await mkdtemp(join(tmpdir(), 'shoal-restore-'));
  try {
    const content = checkedContent(place.read(`${folder}/${file.path}`, signal), file);
    const slot = await RebuiltSlot.rebuild(content, directory, { ...(sequence === undefined ? {} : { sequence }), ...(untilMs === undefined ? {} : { timeMs: untilMs }) }, signal);
    try {
      let vectors = 0;
      for (const embedding of embeddings) vectors += await writeVectors(run, slot, embedding, tallies.get(embedding) ?? new Tally());
      return vectors;
    } finally {
      await slot.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeVectors({ clientOf, signal }: RestoreRun, slot: RebuiltSlot, embedding: PlannedEmbedding, tally: Tally): Promise<number> {
  const { batchVectors, inFlight } = { batchVectors: BACKUP_LIMITS.writeVectors, inFlight: BACKUP_LIMITS.writesInFlight };
  const { accepted, receipt } = await clientOf(embedding.tenant).embedding(embedding.name).upsert(slot.vectorsOf(embedding.source.code), {
    wait: 'applied', batchVectors, inFlight, signal,
    onBatch: ({ outcomes }) => {
      const bad = outcomes?.find((outcome) => outcome.outcome !== 'created' && outcome.outcome !== 'replaced');
      if (bad !== undefined) throw corrupt(`A vector of ${embedding.tenant}/${embedding.name} could not be written: ${bad.outcome}.`);
    },
  });
  tally.vectors += accepted;
  tally.receipt = mergeReceipts([tally.receipt, parseReceipt(receipt, LIMITS.slots, 'receipt')]);
  return accepted;
}

/** Aliases, then quotas of tenants that this restore has made, then keys. */
async function finishTenant({ clientOf, resume, signal }: RestoreRun, { source, target, whole, aliases, keys }: PlannedTenant, existing: Existing): Promise<void> {
  const client = clientOf(target);
  for (const { alias, embedding } of aliases) await client.aliases.set(alias, embedding, { signal });
  const isOurs = resume || !existing.tenants.has(target) || target === 'default';
  if (whole && isOurs && Object.keys(source.quotas).length > 0) await client.tenants.update(target, { quotas: source.quotas }, { signal });
  for (const { id, role, name, embeddings, expiresAt, createdAt, secretHash } of keys) {
    const optional = { ...(name === undefined ? {} : { name }), ...(embeddings === undefined ? {} : { embeddings }), ...(expiresAt === undefined ? {} : { expiresAt }) };
    await client.backup.restoreKey(id, { role, createdAt, secretHash, ...optional }, { signal });
  }
}

async function countAll({ clientOf, signal }: RestoreRun, embeddings: readonly PlannedEmbedding[], tallies: ReadonlyMap<PlannedEmbedding, Tally>): Promise<RestoredEmbedding[]> {
  const restored: RestoredEmbedding[] = [];
  for (const embedding of embeddings) {
    const { tenant, name } = embedding;
    const { vectors, receipt } = tallies.get(embedding) ?? new Tally();
    const after = receiptToJson(receipt);
    restored.push({ tenant, name, vectors, counted: await clientOf(tenant).embedding(name).count({ after, signal }), receipt: after });
  }
  return restored;
}
