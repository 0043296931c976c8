// `npm run bench:metrics`: what metrics cost. Two clusters (gateway, shard, nats-server) with the same vectors, one with SHOAL_METRICS=on and one with off, are
// searched in turns by the same clients. Both are started anew several times, because two processes of one program differ, too.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

const { values } = parseArgs({ options: {
  rows: { type: 'string', default: '20000' }, dim: { type: 'string', default: '128' }, k: { type: 'string', default: '10' }, ef: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' },
  clients: { type: 'string', default: '16' }, seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '10' }, starts: { type: 'string', default: '3' },
  'maximum-percent': { type: 'string' },
} });

await ensureInstalled();
await ensureBuilt();
if (Number(process.versions.node.split('.')[0]) < 24) process.exit(await run('node', [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { env: toolEnvironment() }));

const built = (path) => join(root, path);
const load = (path) => import(pathToFileURL(built(path)).href);
const [{ generatedData, fill }, { PathCluster, comparePaths }, { NatsServer, findNatsServer, freePort }] = await Promise.all([
  load('packages/bench/dist/load/index.js'), load('packages/bench/dist/path/index.js'), load('packages/bus/dist/nats-server/index.js')]);

const [rows, dim, k, ef, seed, clients] = [values.rows, values.dim, values.k, values.ef, values.seed, values.clients].map(Number);
const binary = await findNatsServer({ cacheDirectory: built('.cache/servers'), searchPath: process.env.PATH ?? '', say: console.log });
if (binary === undefined) throw new Error('there is no nats-server here, and none could be fetched');
const data = generatedData({ seed, dim, rows, extraRows: 0, queries: 1_000 });
console.log(`${data.title}; k=${k}, ef=${ef}, ${clients} clients; nats-server ${binary.version}, Node ${process.versions.node}`);
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
const nowMs = () => performance.now();

/** A cluster with a nats-server of its own, filled. */
async function start(metrics, closers) {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-metrics-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  const nats = await NatsServer.start({ binary });
  closers.push(() => nats.close());
  const cluster = await PathCluster.start({
    natsUrl: nats.url, directory, port: await freePort(), searchPath: process.env.PATH, data, m: 16, efConstruction: 200, nowMs, settings: { SHOAL_METRICS: metrics },
    gatewayEntry: built('services/gateway/dist/main.js'), shardEntry: built('services/shard/dist/main.js'), instantShardEntry: built('packages/bench/dist/path/instant-shard-main.js'),
  });
  closers.push(() => cluster.close());
  await fill(cluster.real, rows, nowMs, () => {}, interrupt.signal);
  return cluster.real;
}

async function measureOnce() {
  const closers = [];
  try {
    const [on, off] = [await start('on', closers), await start('off', closers)];
    return await comparePaths({ real: on, instant: off, data, rows, clients, ef, k, nowMs, signal: interrupt.signal, secondsPerRound: Number(values.seconds), rounds: Number(values.rounds) });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const quantile = (numbers, share) => numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const [all, cpu] = [[], []];
for (let attempt = 1; attempt <= Number(values.starts); attempt += 1) {
  const { searchesPerSecond, instantPerSecond, ratio, ratios, cpuRatios, recall, errors } = await measureOnce();
  all.push(...ratios);
  cpu.push(...cpuRatios);
  console.log(`start ${attempt}: ${searchesPerSecond.toFixed(0)} searches/s with metrics, ${instantPerSecond.toFixed(0)} without, ratio ${ratio.toFixed(4)}; recall@${k} ${recall.toFixed(4)}, ${errors} errors`);
  if (errors > 0) process.exitCode = 1;
}
const cost = (1 - quantile(all, 0.5)) * 100;
console.log(`metrics cost ${cost.toFixed(2)} % of searches/s: the median of ${all.length} pairs; half of them lie between ${((1 - quantile(all, 0.75)) * 100).toFixed(2)} and ${((1 - quantile(all, 0.25)) * 100).toFixed(2)} %`);
if (cpu.length > 0) console.log(`processor time of gateway and shards per search: ${((quantile(cpu, 0.5) - 1) * 100).toFixed(2)} % more with metrics; half of the pairs lie between ${((quantile(cpu, 0.25) - 1) * 100).toFixed(2)} and ${((quantile(cpu, 0.75) - 1) * 100).toFixed(2)} %`);
if (values['maximum-percent'] !== undefined && cost > Number(values['maximum-percent'])) process.exitCode = 1;
