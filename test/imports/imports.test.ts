import { expect, it } from 'vitest';
import type { ShoalCluster } from '../harness/shoal-cluster.ts';
import { suiteSeed } from '../harness/workload.ts';
import { brokenRowCount } from './generated-file.ts';
import { FAULTS, runImportCampaign } from './import-run.ts';

async function lookAtJobPage(cluster: ShoalCluster): Promise<void> {
  const page = `${cluster.urls[0]}/admin/jobs`;
  const basic = (password: string) => ({ headers: { authorization: `Basic ${Buffer.from(`operator:${password}`).toString('base64')}` } });
  for (const options of [{}, basic('wrong')]) {
    const refused = await fetch(page, options);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await refused.text()).not.toContain('<html');
  }
  const { key } = await cluster.client().keys.create({ role: 'admin' });
  expect((await fetch(page, { headers: { authorization: `Bearer ${key}` } })).status).toBe(403);
  const shown = await fetch(page, basic(cluster.rootKey));
  expect(shown.status).toBe(200);
  expect(await shown.text()).toContain('Shoal jobs');
  const queues = await fetch(`${page}/api/queues`, basic(cluster.rootKey));
  const listed = await queues.text();
  for (const queue of ['shoal-imports', 'shoal-import-chunks', 'shoal-backups']) expect(listed).toContain(queue);
  const imports = async (): Promise<string> => (await fetch(`${page}/api/queues?activeQueue=shoal-imports&page=1&jobsPerPage=10`, basic(cluster.rootKey))).text();
  await expect.poll(imports, { timeout: 15_000 }).toContain('"state":"done"');
  expect((await fetch(`${page}/api/queues/shoal-imports/pause`, { method: 'PUT', ...basic(cluster.rootKey) })).status).toBeGreaterThanOrEqual(400);
  // Outside the page a password is no key.
  expect((await fetch(`${cluster.urls[0]}/v1/cluster`, basic(cluster.rootKey))).status).toBe(401);
}

it('an import through Redis and a worker is exact although worker and shard are killed, Redis and NATS restarted, and changes nothing the second time', async () => {
  const seed = suiteSeed('imports');
  const rows = 22_000;
  const { status, faults } = await runImportCampaign({
    rows, dim: 8, brokenEvery: 100, seed, shards: 2, bareRows: 0, twice: true, timeoutMs: 240_000, say: console.log, visit: lookAtJobPage,
    faults: FAULTS.map((fault, index) => [fault, index * 0.2] as const),
  });
  expect(faults).toEqual([]);
  expect(status).toMatchObject({ state: 'done', rows, rejected: brokenRowCount({ rows, dim: 8, brokenEvery: 100, seed, path: '' }) });
});
