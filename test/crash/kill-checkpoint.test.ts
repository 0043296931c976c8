import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { filesBelow } from '../harness/process-figures.ts';
import { CLEAN_AUDIT, Ledger, audit, deleteKeys, mergeReceipt, seededRandom, suiteSeed, upsertVersion } from '../harness/workload.ts';

const DIM = 24;
const KEYS = 2_000;
const BATCH = 250;
const KILLS = 3;

it('a node killed while or after its index was written to a file, or whose file is damaged, holds what was written', async () => {
  const random = seededRandom(suiteSeed('kill checkpoint'));
  const node = await EmbeddedProcess.start();
  const indexes = join(node.directory, 'shard', 'indexes');
  const finished = async (): Promise<string[]> => (await filesBelow(indexes)).filter((name) => name.endsWith('.index'));
  try {
    const { handle } = await node.client().register({ model: 'checkpoints', dim: DIM, distance: 'l2', partitions: 1 });
    const ledger = new Ledger(DIM);
    const receipt: Record<string, number> = {};
    const some = (count: number): string[] => [...new Set(Array.from({ length: count }, () => `k${Math.floor(random() * KEYS)}`))];
    for (let first = 0; first < KEYS; first += BATCH) {
      mergeReceipt(receipt, await upsertVersion(handle, ledger, Array.from({ length: BATCH }, (_, i) => `k${first + i}`), 1, 'applied'));
    }
    // Writes pause, and the first file comes; from here on kills fall on starts with it, and on the writing of others.
    await vi.waitFor(async () => expect(await finished()).toHaveLength(1), { timeout: 60_000, interval: 50 });
    for (let round = 0; round < KILLS; round += 1) {
      mergeReceipt(receipt, await upsertVersion(handle, ledger, some(200), 2 + round, 'applied'));
      mergeReceipt(receipt, await deleteKeys(handle, ledger, some(60), 'logged'));
      await sleep(random() * 9_000);
      await node.process.end('SIGKILL');
      await node.restart();
    }
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
    expect(await node.process.end('SIGTERM')).toBe(0);
    const files = await finished();
    expect(files).toHaveLength(1);
    for (const file of files) await truncate(file, 30_000);
    await node.restart();
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
  } finally {
    await node.close();
  }
});
