/**
 * `npm run trial:compose`: brings docker-compose.yml up, writes and searches all the while, and takes away a shard, a shard with its
 * volume, a NATS server and a gateway in turn. In the end every vector must be as it was acknowledged.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { ShoalClient } from '@shoal/client';
import { freePort } from '@shoal/bus/nats-server';
import { ensureBaseImage, serverCache } from '../../deploy/docker/base-images.ts';
import { ComposeProject } from '../../deploy/docker/compose.ts';
import { findEngine, type DockerEngine } from '../../deploy/docker/engine.ts';
import { startEngine } from '../../deploy/docker/engine-start.ts';
import { ensurePreparedImage } from '../../deploy/docker/shoal-image.ts';
import { isFaultless, startTraffic, trafficText } from '../harness/traffic.ts';
import { CLEAN_AUDIT, Ledger, audit, mergeReceipt, suiteSeed, upsertVersion } from '../harness/workload.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const DIM = 32;
const READY_MS = 180_000;
const startedAtMs = Date.now();
const say = (text: string): void => console.log(`${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);

const { values } = parseArgs({ options: { vectors: { type: 'string', default: '2000' }, keep: { type: 'boolean', default: false } } });
const seed = suiteSeed('compose trial');
const engine = (await findEngine(process.env)) ?? (await startEngine(serverCache, say));
if (engine === undefined) throw new Error('no Docker engine answers, and none could be run here');
say(engine.description);

async function containerOf(compose: ComposeProject, service: string): Promise<string> {
  return (await compose.run('ps', '--all', '--quiet', service)).split('\n')[0] ?? '';
}

async function disturb(compose: ComposeProject, docker: DockerEngine): Promise<void> {
  say('killing shard-1');
  await docker.docker(['kill', await containerOf(compose, 'shard-1')]);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await compose.run('up', '--detach', '--wait');
  say('shard-1 is back; removing shard-2 with its volume');
  await compose.run('rm', '--stop', '--force', '--volumes', 'shard-2');
  await docker.docker(['volume', 'rm', 'shoal-trial_shard-2']);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await compose.run('up', '--detach', '--wait');
  say('shard-2 is back from the log; killing nats-1');
  await docker.docker(['kill', await containerOf(compose, 'nats-1')]);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await compose.run('up', '--detach', '--wait');
  say('nats-1 is back');
}

async function trial(compose: ComposeProject, docker: DockerEngine, ports: readonly number[]): Promise<boolean> {
  await compose.run('up', '--detach', '--wait');
  say(`up:\n${await compose.run('ps', '--format', 'table {{.Service}}\t{{.Status}}')}`);
  const apiKey = (await readFile(`${root}/.secrets/root_key`, 'utf8')).trim();
  const clients = ports.map((port) => new ShoalClient({ url: `http://127.0.0.1:${port}`, apiKey, timeoutMs: 60_000, retries: 20 }));
  const [first, second] = clients;
  if (first === undefined || second === undefined) throw new Error('two gateways are published');
  for (const client of clients) await client.waitUntilReady({ timeoutMs: READY_MS });
  const { handle } = await first.register({ name: 'trial', model: `trial-${seed}`, dim: DIM, distance: 'l2', partitions: 8 });
  const other = second.embedding('trial');
  const ledger = new Ledger(DIM);
  const receipt: Record<string, number> = {};
  const keys = Array.from({ length: Number(values.vectors) }, (_unused, index) => `k${seed}-${index}`);
  const loadedAtMs = Date.now();
  for (let start = 0; start < keys.length; start += 500) mergeReceipt(receipt, await upsertVersion(handle, ledger, keys.slice(start, start + 500), 1, 'logged'));
  await other.waitUntilApplied(receipt);
  say(`${keys.length} vectors written and applied in ${Date.now() - loadedAtMs} ms`);
  const load = startTraffic({ name: `t${seed}`, writing: handle, reading: [handle, other], searched: keys.slice(0, 100), ledger, receipt });
  try {
    await disturb(compose, docker);
  } finally {
    await load.stop();
  }
  say(`meanwhile ${trafficText(load.counts)}`);
  const result = await audit(other, ledger, receipt);
  const isClean = Object.keys(CLEAN_AUDIT).every((kind) => result[kind as keyof typeof result].length === 0);
  say(`audit of ${ledger.keys.length} keys: ${isClean ? 'all as acknowledged' : JSON.stringify(result)}`);
  return isClean && isFaultless(load.counts);
}

await promisify(execFile)(process.execPath, [`${root}/deploy/docker/secrets.mjs`]);
const work = { engine, cacheDirectory: serverCache, say };
const image = await ensurePreparedImage(work);
for (const name of ['nats', 'redis'] as const) await ensureBaseImage(work, name);
const ports = [await freePort(), await freePort()];
const settings = { COMPOSE_PROJECT_NAME: 'shoal-trial', SHOAL_IMAGE: image, SHOAL_PORT_0: String(ports[0]), SHOAL_PORT_1: String(ports[1]), SHOAL_ENGINE_MEMORY_MB: '256' };
const compose = await ComposeProject.open({ dockerHost: engine.host, cacheDirectory: serverCache, settings, say });
say(`docker compose ${compose.version}`);
try {
  if (!(await trial(compose, engine, ports))) process.exitCode = 1;
} finally {
  if (!values.keep) await compose.run('down', '--volumes', '--timeout', '15');
  await engine.close();
}
say(process.exitCode === 1 ? 'failed' : 'passed');
