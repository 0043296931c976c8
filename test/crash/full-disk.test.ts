import { expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { CLEAN_AUDIT, Ledger, audit, mergeReceipt, suiteSeed, upsertVersion } from '../harness/workload.ts';

const DIM = 128;
const BATCH = 100;
/** No file may grow beyond this, which to the process looks like a disk that is full. */
const FILE_KIB = 3 * 1024;

it('a disk that is full refuses writes with the reason, and nothing that was acknowledged is lost', async () => {
  const seed = suiteSeed('full disk');
  const node = await EmbeddedProcess.start({}, { fileSizeKib: FILE_KIB });
  try {
    const { handle } = await node.client({ retries: 0 }).register({ model: `full ${seed}`, dim: DIM, distance: 'l2' });
    const ledger = new Ledger(DIM);
    const receipt: Record<string, number> = {};
    let refusal: unknown;
    for (let batch = 0; batch < 500 && refusal === undefined; batch += 1) {
      const keys = Array.from({ length: BATCH }, (_, index) => `k${batch}-${index}`);
      try {
        mergeReceipt(receipt, await upsertVersion(handle, ledger, keys, 1, 'logged'));
      } catch (error) {
        refusal = error;
      }
    }
    expect(refusal).toMatchObject({ code: expect.stringMatching(/^(log_unavailable|store_unwritable|slot_unavailable)$/) });
    await node.process.end('SIGKILL');
    node.process.limitFileSize(undefined);
    await node.restart();
    expect(ledger.certain().live.size).toBeGreaterThan(100);
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
  } finally {
    await node.close();
  }
});
