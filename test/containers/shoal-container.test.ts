import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { NODE_FLAGS } from '@shoal/process';
import { ShoalContainer, type StartedShoalContainer } from '@shoal/testcontainers';
import { getContainerRuntimeClient } from 'testcontainers';
import { Ledger, audit, CLEAN_AUDIT, deleteKeys, mergeReceipt, suiteSeed, upsertVersion } from '../harness/workload.ts';

describe('an embedded node in a container', () => {
  const seed = suiteSeed('shoal container');
  let shoal: StartedShoalContainer;
  beforeAll(async () => {
    shoal = await new ShoalContainer(inject('containers').image).start();
  });
  afterAll(async () => {
    await shoal?.stop();
  });

  it('keeps what the client writes, changes and deletes', async () => {
    const { handle } = await shoal.client().register({ name: 'articles', model: `m-${seed}`, dim: 16, distance: 'l2' });
    const ledger = new Ledger(16);
    const keys = Array.from({ length: 300 }, (_unused, index) => `k${seed}-${index}`);
    const receipt: Record<string, number> = {};
    mergeReceipt(receipt, await upsertVersion(handle, ledger, keys, 1, 'logged'));
    mergeReceipt(receipt, await upsertVersion(handle, ledger, keys.slice(0, 100), 2, 'logged'));
    mergeReceipt(receipt, await deleteKeys(handle, ledger, keys.slice(250), 'logged'));
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
    expect(await handle.count({ after: receipt })).toEqual(250);
  });

  it('refuses whoever does not hold its root key', async () => {
    await expect(shoal.client({ apiKey: 'another', retries: 0 }).embeddings()).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('runs as a user without rights, with Node as the first process', async () => {
    const { output, exitCode } = await shoal.exec(['node', '-e', 'const fs = require("node:fs"); console.log(process.getuid(), fs.readFileSync("/proc/1/cmdline", "utf8").split("\\0").filter((word) => word !== "").join(" "))']);
    expect([exitCode, output.trim()]).toEqual([0, ['1000 node', ...NODE_FLAGS, '/app/shoal.mjs node'].join(' ')]);
    await expect(shoal.exec(['node', '-e', 'require("node:fs").writeFileSync("/app/new", "")'])).resolves.toMatchObject({ exitCode: 1 });
  });
});

describe('the image', () => {
  it('ends in order, with 0, at the signal that a runtime sends; with its root read-only', async () => {
    const { dockerHost, image } = inject('containers');
    expect(dockerHost).not.toBe('');
    const { container: containers } = await getContainerRuntimeClient();
    const container = await containers.create({ Image: image, Cmd: ['node'], HostConfig: { ReadonlyRootfs: true, Tmpfs: { '/tmp': '' }, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] } });
    try {
      await container.start();
      const health = ['node', '/app/shoal.mjs', 'health', 'http://127.0.0.1:7700/readyz'];
      await expect.poll(async () => (await containers.exec(container, health)).exitCode, { timeout: 60_000, interval: 500 }).toBe(0);
      await container.stop({ t: 30 });
      expect((await container.inspect()).State).toMatchObject({ Running: false, ExitCode: 0, OOMKilled: false });
    } finally {
      await container.remove({ v: true, force: true });
    }
  });
});
