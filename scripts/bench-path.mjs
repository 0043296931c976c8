// `npm run bench:path`: the whole way of a search (HTTP, gateway, nats-server, shard) beside the same way with a shard that answers at
// once, in turns, at several numbers of clients. Everything runs on this machine, the load generator included.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

const { values } = parseArgs({ options: {
  rows: { type: 'string', default: '100000' }, dim: { type: 'string', default: '128' }, k: { type: 'string', default: '10' }, ef: { type: 'string' }, recall: { type: 'string', default: '0.99' }, 'intrinsic-dim': { type: 'string', default: '24' },
  m: { type: 'string', default: '16' }, 'ef-construction': { type: 'string', default: '200' }, seed: { type: 'string', default: '1' },
  clients: { type: 'string', default: '1,16,64' }, seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '5' },
  'cpu-prof-dir': { type: 'string' }, 'minimum-ratio': { type: 'string' },
} });

await ensureInstalled();
await ensureBuilt();
if (Number(process.versions.node.split('.')[0]) < 24) process.exit(await run('node', [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { env: toolEnvironment() }));

const built = (path) => join(root, path);
const load = (path) => import(pathToFileURL(built(path)).href);
const [{ generatedData, fill }, { PathCluster, comparePaths, narrowestEf }, { NatsServer, findNatsServer, freePort }, { NODE_FLAGS }] = await Promise.all([
  load('packages/bench/dist/load/index.js'), load('packages/bench/dist/path/index.js'), load('packages/bus/dist/nats-server/index.js'), load('packages/process/dist/index.js')]);

const [rows, dim, k, m, efConstruction, seed] = [values.rows, values.dim, values.k, values.m, values['ef-construction'], values.seed].map(Number);
const binary = await findNatsServer({ cacheDirectory: built('.cache/servers'), searchPath: process.env.PATH ?? '', say: console.log });
if (binary === undefined) throw new Error('there is no nats-server here, and none could be fetched');
const data = generatedData({ seed, dim, rows, extraRows: 0, queries: 1_000, intrinsicDim: Number(values['intrinsic-dim']) });
console.log(`${data.title}, intrinsic dimension ${values['intrinsic-dim']}; k=${k}, M=${m}, efConstruction=${efConstruction}; nats-server ${binary.version}, Node ${process.versions.node}`);

const directory = await mkdtemp(join(tmpdir(), 'shoal-path-'));
const nats = await NatsServer.start({ binary });
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
const nowMs = () => performance.now();
let cluster;
const narrowest = async (target) => (await narrowestEf({ target, data, rows, k, recall: Number(values.recall), nowMs, signal: interrupt.signal })).ef;
try {
  const profile = values['cpu-prof-dir'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values['cpu-prof-dir']}`];
  cluster = await PathCluster.start({
    natsUrl: nats.url, directory, port: await freePort(), searchPath: process.env.PATH, data, m, efConstruction, nowMs, nodeArguments: [...NODE_FLAGS, ...profile],
    gatewayEntry: built('services/gateway/dist/main.js'), shardEntry: built('services/shard/dist/main.js'), instantShardEntry: built('packages/bench/dist/path/instant-shard-main.js'),
  });
  const speed = await fill(cluster.real, rows, nowMs, () => {}, interrupt.signal);
  console.log(`filled at ${speed.toFixed(0)} vectors/s, until applied`);
  const ef = values.ef === undefined ? await narrowest(cluster.real) : Number(values.ef);
  console.log(`ef ${ef}${values.ef === undefined ? `, the narrowest beam with recall@${k} of at least ${values.recall}` : ''}`);
  for (const clients of values.clients.split(',').map(Number)) {
    const figures = await comparePaths({
      real: cluster.real, instant: cluster.instant, data, rows, clients, ef, k, nowMs, signal: interrupt.signal,
      secondsPerRound: Number(values.seconds), rounds: Number(values.rounds) });
    const { searchesPerSecond, p50Ms, p99Ms, recall, instantPerSecond, ratio, ratios, cpuUs, instantCpuUs, errors } = figures;
    console.log(`${String(clients).padStart(3)} clients: ${searchesPerSecond.toFixed(0)} searches/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, recall@${k} ${recall.toFixed(4)}; `
      + `instant ${instantPerSecond.toFixed(0)}/s; ratio ${ratio.toFixed(3)} (${ratios.map((one) => one.toFixed(2)).join(' ')}); processor time of gateway and shards per search ${cpuUs?.toFixed(0) ?? '?'} us, instant ${instantCpuUs?.toFixed(0) ?? '?'} us; ${errors} errors`);
    if (errors > 0 || (clients === 64 && ratio < Number(values['minimum-ratio'] ?? 0))) process.exitCode = 1;
  }
} finally {
  await cluster?.close();
  await nats.close();
  await rm(directory, { recursive: true, force: true });
}
