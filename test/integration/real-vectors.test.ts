import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { startCluster } from '../harness/suite-cluster.ts';

const data = fileURLToPath(new URL('../../../shared/data', import.meta.url));
const file = (name: string) => join(data, `bigann10k_${name}`);
const available = existsSync(file('base.bvecs'));
if (!available) console.log('bigann10k is not beside this checkout: its suite has nothing to load');

const cli = fileURLToPath(import.meta.resolve('@shoal/cli/main'));
const run = promisify(execFile);
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'shoal-real-'));
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

interface Target {
  readonly url: string;
  readonly rootKey: string;
}

async function shoal(target: Target, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [cli, '--url', target.url, '--key', target.rootKey, ...args], { cwd: scratch, maxBuffer: 16 * 2 ** 20, timeout: 120_000 });
  return stdout;
}

interface RecallRow {
  readonly path: string;
  readonly ef: number;
  readonly recall: number;
}

async function loadAndMeasure(target: Target, name: string, partitions: number): Promise<RecallRow[]> {
  const load = await shoal(target, 'load', file('base.bvecs'), '--embedding', name, '--model', name, '--distance', 'l2', '--partitions', String(partitions));
  expect(load).toMatch(/10,?000/);
  const recall = await shoal(target, 'recall', name, '--queries', file('query.bvecs'), '--truth', file('groundtruth.ivecs'), '--k', '10', '--ef', '100', '--path', 'exact,rabitq,flat,auto', '--json');
  return (JSON.parse(recall) as { rows: RecallRow[] }).rows;
}

function expectRecall(rows: readonly RecallRow[]): void {
  const of = (path: string) => rows.find((row) => row.path === path && row.ef === 100)?.recall;
  console.log(rows.map((row) => `${row.path} ef=${row.ef}: recall@10 ${row.recall.toFixed(4)}`).join(', '));
  expect(of('flat')).toBe(1);
  expect(of('exact')).toBeGreaterThanOrEqual(0.99);
  expect(of('rabitq')).toBeGreaterThanOrEqual(0.99);
  expect(of('auto')).toBeGreaterThanOrEqual(0.99);
}

describe.runIf(available)('bigann10k by shoal load and shoal recall', () => {
  it('into the embedded node, in one partition and in four', async () => {
    const node = await EmbeddedProcess.start();
    try {
      for (const partitions of [1, 4]) expectRecall(await loadAndMeasure(node, `sift-${partitions}`, partitions));
    } finally {
      await node.close();
    }
  });

  it('into a cluster, in one partition and in four', async () => {
    const { cluster, close } = await startCluster({ shardCount: 3, gatewayCount: 1 });
    try {
      const target = { url: cluster.urls[0] ?? '', rootKey: cluster.rootKey };
      for (const partitions of [1, 4]) expectRecall(await loadAndMeasure(target, `sift-${partitions}`, partitions));
    } finally {
      await close();
    }
  });
});
