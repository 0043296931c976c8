/**
 * `npm run trial:kubernetes`: with the cluster that kubectl reaches, goes the way of docs/deploy.md: manifests, Secret, an embedding; then
 * takes shards and log servers away, replaces all of them, scales, imports through a worker and replaces gateways, under load. No request
 * may fail, and in the end every vector must be as it was acknowledged. `--image`, `--nats-image` and `--redis-image` name what the cluster
 * has; `--keep` leaves the namespace.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { ShoalClient } from '@shoal/client';
import type { ImportResponse } from '@shoal/protocol';
import { isFaultless, startTraffic, trafficText } from '../harness/traffic.ts';
import { CLEAN_AUDIT, Ledger, audit, mergeReceipt, suiteSeed, upsertVersion, vectorOf } from '../harness/workload.ts';
import { evictTwo, loseShardPods, restartInOrder, rolledOut, scaleShards, type DisturbedCluster } from './disturbances.ts';
import { IMPORT_ADDRESS, IMPORT_HOST, putRows, startInsidePod, whileSearchingInside } from './inside-pod.ts';
import { Kubectl, type ForwardedPort } from './kubectl.ts';
import { forServer, renderManifests, type TrialImages } from './manifests.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NAMESPACE = 'shoal';
const DIM = 32;
const READY_MS = 180_000;
const IMPORT_MS = 300_000;
const BROKEN_EVERY = 100;
const WRITE_PAUSE_MS = 100;
const startedAtMs = Date.now();
const say = (text: string): void => console.log(`${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);

const { values } = parseArgs({
  options: {
    kustomization: { type: 'string', default: join(root, 'deploy/kubernetes-small') },
    context: { type: 'string' },
    image: { type: 'string', default: 'shoal:0.1.0' },
    'nats-image': { type: 'string', default: 'nats:2.15-alpine' },
    'redis-image': { type: 'string', default: 'redis:7-alpine' },
    vectors: { type: 'string', default: '2000' },
    rows: { type: 'string', default: '20000' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = suiteSeed('kubernetes trial');
const images: TrialImages = { shoal: values.image, nats: values['nats-image'], redis: values['redis-image'] };
const anywhere = new Kubectl({ context: values.context });
const kubectl = new Kubectl({ context: values.context, namespace: NAMESPACE });

/** As in `v1.30.2`; distributions add to it behind that. */
function minorOf(version: string): number {
  const minor = /^v1\.(\d+)/.exec(version)?.[1];
  if (minor === undefined) throw new Error(`the server says that it is Kubernetes ${version}`);
  return Number(minor);
}

/** Manifests and Secret; resolves with the root key when everything is ready. */
async function install(): Promise<string> {
  const { serverVersion } = await anywhere.json<{ serverVersion: { gitVersion: string } }>(['version']);
  const { text, changes } = forServer(await renderManifests(anywhere, values.kustomization, images, IMPORT_HOST), minorOf(serverVersion.gitVersion));
  say(`Kubernetes ${serverVersion.gitVersion}; ${changes.length === 0 ? 'the manifests as they are' : `the manifests, but ${changes.join(', ')}`}`);
  await anywhere.run(['apply', '--filename', join(root, 'deploy/kubernetes/namespace.yaml')]);
  const secrets = await mkdtemp(join(tmpdir(), 'shoal-secrets-'));
  try {
    await promisify(execFile)(process.execPath, [join(root, 'deploy/docker/secrets.mjs'), secrets]);
    await kubectl.run(['create', 'secret', 'generic', 'shoal', `--from-file=${secrets}`]);
    await anywhere.run(['apply', '--filename', '-'], text);
    await rolledOut(kubectl, 'statefulset/nats', 'statefulset/redis', 'statefulset/shard', 'deployment/gateway', 'deployment/worker');
    say(`everything is ready:\n${await kubectl.run(['get', 'pods'])}`);
    return (await readFile(join(secrets, 'root_key'), 'utf8')).trim();
  } finally {
    await rm(secrets, { recursive: true, force: true });
  }
}

async function whenTwoGateways(): Promise<readonly string[]> {
  for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += 1_000) {
    const pods = await kubectl.pods('gateway');
    if (pods.length >= 2) {
      await kubectl.run(['wait', '--for=condition=Ready', '--timeout=180s', ...pods.map((pod) => `pod/${pod}`)]);
      return pods;
    }
    await sleep(1_000);
  }
  throw new Error('the autoscaler did not ask for two gateways');
}

const newClient = ({ url }: ForwardedPort, apiKey: string): ShoalClient => new ShoalClient({ url, apiKey, timeoutMs: 60_000 });

interface Filled {
  readonly ledger: Ledger;
  readonly receipt: Record<string, number>;
  readonly keys: readonly string[];
}

async function fill(client: ShoalClient): Promise<Filled> {
  await client.waitUntilReady({ timeoutMs: READY_MS });
  const { handle } = await client.register({ name: 'trial', model: `trial-${seed}`, dim: DIM, distance: 'l2', partitions: 8 });
  const ledger = new Ledger(DIM);
  const receipt: Record<string, number> = {};
  const keys = Array.from({ length: Number(values.vectors) }, (_unused, index) => `k${seed}-${index}`);
  for (let start = 0; start < keys.length; start += 500) mergeReceipt(receipt, await upsertVersion(handle, ledger, keys.slice(start, start + 500), 1, 'logged'));
  await handle.waitUntilApplied(receipt);
  say(`${keys.length} vectors are written and applied`);
  return { ledger, receipt, keys };
}

const STEPS: readonly (readonly [string, (cluster: DisturbedCluster) => Promise<void>])[] = [
  ['losing shards', loseShardPods],
  ['evictions', async (cluster) => { await evictTwo(cluster, 'shard'); await evictTwo(cluster, 'nats'); }],
  ['replacing shards in order', (cluster) => restartInOrder(cluster, 'shard')],
  ['replacing log servers in order', (cluster) => restartInOrder(cluster, 'nats')],
  ['scaling', scaleShards],
];

/** Every disturbance with its own traffic, so that failures can be told apart. */
async function disturb(clients: readonly ShoalClient[], { ledger, receipt, keys }: Filled): Promise<boolean> {
  const [first, second] = clients;
  if (first === undefined || second === undefined) throw new Error('two gateways are forwarded');
  const reading = [first.embedding('trial'), second.embedding('trial')];
  let isWhole = true;
  for (const [index, [name, step]] of STEPS.entries()) {
    const load = startTraffic({ name: `t${seed}-${index}`, writing: reading[0] ?? first.embedding('trial'), reading, searched: keys.slice(0, 100), ledger, receipt, writePauseMs: WRITE_PAUSE_MS });
    try {
      await step({ kubectl, client: first, say });
    } finally {
      await load.stop();
    }
    say(`${name}: ${trafficText(load.counts)}`);
    isWhole &&= isFaultless(load.counts);
  }
  return isWhole;
}

async function importEnded(client: ShoalClient, id: string): Promise<ImportResponse> {
  let worker: string | undefined = (await kubectl.pods('worker'))[0];
  for (let waitedMs = 0; waitedMs < IMPORT_MS; waitedMs += 500) {
    const status = await client.imports.get(id);
    if (['done', 'failed', 'cancelled'].includes(status.state)) return status;
    if (worker !== undefined && status.rowsDone > 0) {
      await kubectl.run(['delete', 'pod', worker, '--grace-period=0', '--force']);
      say(`the worker was killed at ${status.rowsDone} of ${status.rows} rows`);
      worker = undefined;
    }
    await sleep(500);
  }
  throw new Error(`the import did not end within ${IMPORT_MS} ms`);
}

/** A file inside the cluster goes in through a worker that is killed on the way: each row once, the broken ones named. */
async function importRows(client: ShoalClient): Promise<boolean> {
  const rows = Number(values.rows);
  const isBroken = (row: number): boolean => row % BROKEN_EVERY === BROKEN_EVERY - 1;
  const lines = Array.from({ length: rows }, (_unused, row) => JSON.stringify({ key: `row-${row}`, values: [...vectorOf(`row-${row}`, 1, DIM)].slice(isBroken(row) ? 1 : 0) }));
  await putRows(kubectl, lines);
  const { handle } = await client.register({ name: 'imported', model: `imported-${seed}`, dim: DIM, distance: 'l2' });
  const { id } = await client.imports.create({ embedding: 'imported', sources: [IMPORT_ADDRESS] });
  const status = await importEnded(client, id);
  const counted = await handle.count({ after: status.receipt });
  const broken = Math.floor(rows / BROKEN_EVERY);
  say(`import ${status.state}: ${status.accepted} rows in, ${status.rejected} left out, ${counted} counted`);
  return status.state === 'done' && status.accepted === rows - broken && status.rejected === broken && counted === rows - broken;
}

async function replaceGateways(apiKey: string): Promise<boolean> {
  const { searches, failed } = await whileSearchingInside(kubectl, { apiKey, embedding: 'trial', dim: DIM }, async () => {
    await kubectl.run(['rollout', 'restart', 'deployment/gateway']);
    await rolledOut(kubectl, 'deployment/gateway');
  });
  say(`gateways replaced while a pod searched through their Service: ${searches} searches (${failed.length} failed)${[...new Set(failed)].map((each) => `\n  ${each}`).join('')}`);
  return failed.length === 0 && searches > 0;
}

async function trial(): Promise<boolean> {
  const apiKey = await install();
  await startInsidePod(kubectl, images.shoal);
  const forwarded: ForwardedPort[] = [];
  try {
    for (const pod of await whenTwoGateways()) forwarded.push(await kubectl.forward(`pod/${pod}`, 7700));
    const clients = forwarded.map((each) => newClient(each, apiKey));
    const [client] = clients;
    if (client === undefined) throw new Error('no gateway is forwarded');
    const filled = await fill(client);
    const wasUndisturbed = await disturb(clients, filled);
    const wasImported = await importRows(client);
    const wereReplaced = await replaceGateways(apiKey);
    const [pod] = await whenTwoGateways();
    const last = await kubectl.forward(`pod/${pod}`, 7700);
    forwarded.push(last);
    const result = await audit(newClient(last, apiKey).embedding('trial'), filled.ledger, filled.receipt);
    const isClean = Object.keys(CLEAN_AUDIT).every((kind) => result[kind as keyof typeof result].length === 0);
    say(`audit of ${filled.ledger.keys.length} keys: ${isClean ? 'all as acknowledged' : JSON.stringify(result)}`);
    return wasUndisturbed && wasImported && wereReplaced && isClean;
  } finally {
    for (const each of forwarded) await each.close();
  }
}

const present = await anywhere.run(['get', 'namespace', NAMESPACE, '--ignore-not-found', '--output', 'name']);
if (present !== '') throw new Error(`the cluster has a namespace ${NAMESPACE} already; the trial makes and removes one of that name`);
try {
  if (!(await trial())) process.exitCode = 1;
} finally {
  if (!values.keep) await anywhere.run(['delete', 'namespace', NAMESPACE, '--ignore-not-found']);
}
say(process.exitCode === 1 ? 'failed' : 'passed');
