import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddingHandle } from '@shoal/client';
import type { ReceiptJson } from '@shoal/protocol';
import { deleteKeys, mergeReceipt, seededRandom, upsertVersion, vectorOf, type Ledger } from '../harness/workload.ts';

const BATCH = 50;
/** Share of the written batches whose receipt is put to the test at once. */
const CHECKED_SHARE = 0.2;

export interface WriterOptions {
  readonly handle: EmbeddingHandle;
  readonly ledger: Ledger;
  /** Grows by every acknowledged write. */
  readonly receipt: Record<string, number>;
  readonly number: number;
  readonly seed: number;
  /** Whether more keys may be written now. */
  readonly mayGrow: () => boolean;
  readonly isStopped: () => boolean;
}

export interface WriterTally {
  newKeys: number;
  acknowledged: number;
  failed: number;
  receiptsChecked: number;
  /** Checks that ended without an answer: no proof of anything. */
  receiptsUnread: number;
  readonly wrongReceipts: string[];
}

interface Batch {
  readonly keys: readonly string[];
  version: number;
}

/**
 * Writes batches of new keys, and now and then another version of earlier ones, or their deletion. A write that failed may still happen at
 * any later time (the gateway that had it may only stand still), so its keys are left alone for ever.
 */
export async function writeOn(options: WriterOptions): Promise<WriterTally> {
  const { handle, ledger, receipt, number, seed } = options;
  const random = seededRandom(seed + 7_919 * number);
  const tally: WriterTally = { newKeys: 0, acknowledged: 0, failed: 0, receiptsChecked: 0, receiptsUnread: 0, wrongReceipts: [] };
  const batches: Batch[] = [];
  for (let index = 0; !options.isStopped(); index += 1) {
    const isNew = batches.length === 0 || (options.mayGrow() && random() < 0.8);
    if (!isNew && !options.mayGrow()) await sleep(150);
    const place = Math.floor(random() * batches.length);
    const batch = isNew ? { keys: Array.from({ length: BATCH }, (_, item) => `w${number}-${index}-${item}`), version: 0 } : batches[place];
    if (batch === undefined) continue;
    const isDeletion = !isNew && random() < 0.12;
    // Taken out until the write is known to have happened.
    if (!isNew) batches.splice(place, 1);
    try {
      const own = isDeletion ? await deleteKeys(handle, ledger, batch.keys, 'logged') : await upsertVersion(handle, ledger, batch.keys, batch.version += 1, random() < 0.1 ? 'applied' : 'logged');
      mergeReceipt(receipt, own);
      tally.acknowledged += 1;
      if (isNew) tally.newKeys += BATCH;
      if (random() < CHECKED_SHARE) await checkReceipt(handle, ledger, batch, isDeletion, own, tally, random);
      if (!isDeletion) batches.push(batch);
    } catch {
      tally.failed += 1;
      await sleep(50);
    }
  }
  return tally;
}

/** Reads what was just written, with its receipt, by looking through everything: a written key is the nearest, a deleted one is gone. */
async function checkReceipt(handle: EmbeddingHandle, ledger: Ledger, { keys, version }: Batch, isDeletion: boolean, after: ReceiptJson, tally: WriterTally, random: () => number): Promise<void> {
  const key = keys[Math.floor(random() * keys.length)] ?? '';
  try {
    const { hits } = await handle.search({ vector: vectorOf(key, version, ledger.dim), k: 3, path: 'flat', after, include: ['payload'], timeoutMs: 20_000 });
    tally.receiptsChecked += 1;
    const found = hits.find((hit) => hit.key === key)?.payload?.['version'];
    const expected = isDeletion ? undefined : version;
    if (found !== expected) tally.wrongReceipts.push(`${key}: version ${String(found)} instead of ${String(expected)} after ${JSON.stringify(after)}`);
  } catch {
    tally.receiptsUnread += 1;
  }
}
