import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddingHandle, ShoalClient } from '@shoal/client';
import { CLEAN_AUDIT, Ledger, audit, deleteKeys, mergeReceipt, seededRandom, upsertVersion } from '../harness/workload.ts';
import { expect } from 'vitest';

const DIM = 48;
const WRITERS = 6;
const BATCH = 20;
/** Checking all keys afterwards costs the square of their number: writers that rest between batches leave it something that can be done in minutes. */
const REST_MS = 40;

export interface CrashLoad {
  /** Makes one more fault and waits until the system is well again. */
  readonly fault: (round: number) => Promise<void>;
  readonly faultCount: number;
  readonly seed: number;
  readonly client: () => ShoalClient;
}

/** A write that failed leaves its keys unsure; the writer goes on with other keys. */
async function writeUntil(handle: EmbeddingHandle, ledger: Ledger, receipt: Record<string, number>, writer: number, seed: number, stop: () => boolean): Promise<{ acknowledged: number; failed: number }> {
  const random = seededRandom(seed + writer);
  const tally = { acknowledged: 0, failed: 0 };
  const keysOf = (index: number) => Array.from({ length: BATCH }, (_, item) => `w${writer}-b${index}-${item}`);
  for (let index = 0; !stop(); index += 1) {
    const earlier = keysOf(Math.floor(random() * index));
    const choice = random();
    try {
      if (index > 0 && choice < 0.15) mergeReceipt(receipt, await deleteKeys(handle, ledger, earlier, 'logged'));
      else if (index > 0 && choice < 0.3) mergeReceipt(receipt, await upsertVersion(handle, ledger, earlier, index + 2, 'logged'));
      else mergeReceipt(receipt, await upsertVersion(handle, ledger, keysOf(index), 1, random() < 0.04 ? 'applied' : 'logged'));
      tally.acknowledged += 1;
      await sleep(REST_MS);
    } catch {
      tally.failed += 1;
      await sleep(20);
    }
  }
  return tally;
}

/** Writes all the time, makes faults at random moments, and afterwards compares everything with what was acknowledged. */
export async function runCrashLoad({ fault, faultCount, seed, client }: CrashLoad): Promise<void> {
  const random = seededRandom(seed);
  const { handle } = await client().register({ model: `crash ${seed}`, dim: DIM, distance: 'l2', partitions: 4 });
  const ledger = new Ledger(DIM);
  const receipt: Record<string, number> = {};
  let stopped = false;
  const writers = Array.from({ length: WRITERS }, (_, writer) => writeUntil(handle, ledger, receipt, writer, seed, () => stopped));
  try {
    for (let round = 0; round < faultCount; round += 1) {
      await sleep(50 + random() * 400);
      await fault(round);
    }
  } finally {
    stopped = true;
  }
  const tallies = await Promise.all(writers);
  const acknowledged = tallies.reduce((sum, tally) => sum + tally.acknowledged, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  const { live, deleted } = ledger.certain();
  console.log(`${faultCount} faults: ${acknowledged} batches acknowledged, ${failed} failed; ${live.size} keys live, ${deleted.size} deleted, ${ledger.keys.length - live.size - deleted.size} unsure`);
  expect(live.size).toBeGreaterThan(100);
  expect(deleted.size).toBeGreaterThan(10);
  expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
}
