import { expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { makeReadOnly } from '../harness/read-only-directory.ts';
import { CLEAN_AUDIT, Ledger, audit, mergeReceipt, suiteSeed, upsertVersion } from '../harness/workload.ts';

const DIM = 16;
const BATCHES = 5;
const BATCH = 50;

it('a disk that is read-only ends the start with one sentence that names it, and everything is there once it can be written again', async () => {
  const seed = suiteSeed('read-only disk');
  const node = await EmbeddedProcess.start();
  let makeWritable = async (): Promise<void> => undefined;
  try {
    const { handle } = await node.client().register({ model: `read-only ${seed}`, dim: DIM, distance: 'l2' });
    const ledger = new Ledger(DIM);
    const receipt: Record<string, number> = {};
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const keys = Array.from({ length: BATCH }, (_, index) => `k${batch}-${index}`);
      mergeReceipt(receipt, await upsertVersion(handle, ledger, keys, 1, 'logged'));
    }
    await node.process.end('SIGTERM');

    makeWritable = await makeReadOnly(node.directory);
    node.process.start();
    expect(await node.process.ended(60_000)).not.toBe(0);
    expect(node.process.output).toMatch(new RegExp(`^shoal: .*${node.directory}.*cannot be .*\\(directory_unusable\\)$`, 'm'));

    await makeWritable();
    makeWritable = async () => undefined;
    await node.restart();
    expect(ledger.certain().live.size).toBe(BATCHES * BATCH);
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
  } finally {
    await makeWritable();
    await node.close();
  }
});
