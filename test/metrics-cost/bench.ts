/**
 * `npm run bench:metrics`: what metrics cost. The meters of one gateway and one shard are switched off and on while the same clients search them, in turns; a pair is
 * two neighbouring turns, and the medians of the pairs count. What both turns pay is not in it: the figures of the process itself, and scans for recall, which may come in the turn after that of their search and
 * are bounded by a share of a search thread anyway.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fill, generatedData, type BenchTarget } from '@shoal/bench/load';
import { PathCluster, comparePaths } from '@shoal/bench/path';
import { NatsServer, findNatsServer, freePort } from '@shoal/bus/nats-server';
import { NODE_FLAGS } from '@shoal/process';

const { values } = parseArgs({ options: {
  rows: { type: 'string', default: '100000' }, dim: { type: 'string', default: '128' }, k: { type: 'string', default: '10' }, ef: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' },
  'intrinsic-dim': { type: 'string', default: '12' }, clients: { type: 'string', default: '64' }, seconds: { type: 'string', default: '0.5' }, pairs: { type: 'string', default: '241' }, 'maximum-percent': { type: 'string' },
} });
const rows = Number(values.rows);
const dim = Number(values.dim);
const k = Number(values.k);
const ef = Number(values.ef);
const intrinsicDim = Number(values['intrinsic-dim']);
const clients = Number(values.clients);
const rounds = Number(values.pairs);
const secondsPerRound = Number(values.seconds);
/** How long a signal may take to be noticed. */
const SWITCH_MS = 50;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const binary = await findNatsServer({ cacheDirectory: here('../../.cache/servers'), searchPath: process.env['PATH'] ?? '', say: console.log });
if (binary === undefined) throw new Error('there is no nats-server here, and none could be fetched');
const data = generatedData({ seed: Number(values.seed), dim, rows, extraRows: 0, queries: 1_000, intrinsicDim });
console.log(`${data.title}, intrinsic dimension ${intrinsicDim}; k=${k}, ef=${ef}, ${clients} clients, ${rounds} pairs of ${secondsPerRound} s; nats-server ${binary.version}, Node ${process.versions.node}`);
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
const nowMs = (): number => performance.now();

const directory = await mkdtemp(join(tmpdir(), 'shoal-metrics-'));
let nats: NatsServer | undefined;
let cluster: PathCluster | undefined;
let areOn = true;

/** The same target with the meters of its services on, or off, from the first caller of a turn on. */
function measured(target: BenchTarget, processIds: readonly number[], on: boolean): BenchTarget {
  const switched = async (): Promise<void> => {
    if (areOn === on) return;
    areOn = on;
    for (const processId of processIds) process.kill(processId, 'SIGUSR2');
    await pause(SWITCH_MS);
  };
  let switching = Promise.resolve();
  return {
    description: target.description,
    processIds,
    openCaller: async () => {
      switching = switching.then(switched);
      await switching;
      return target.openCaller();
    },
    close: () => target.close(),
  };
}

const quantile = (numbers: readonly number[], share: number): number => numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? Number.NaN;
/** Per cent by which the second of a pair exceeds the first, from their quotients first / second. */
const percent = (quotients: readonly number[], share: number): string => ((1 - quantile(quotients, 1 - share)) * 100).toFixed(2);

try {
  nats = await NatsServer.start({ binary });
  cluster = await PathCluster.start({
    natsUrl: nats.url, directory, port: await freePort(), searchPath: process.env['PATH'], data, m: 16, efConstruction: 200, nowMs,
    nodeArguments: [...NODE_FLAGS, '--import', new URL('./switched-meters.ts', import.meta.url).href],
    gatewayEntry: here('../../services/gateway/dist/main.js'), shardEntry: here('../../services/shard/dist/main.js'), instantShardEntry: here('../../packages/bench/dist/path/instant-shard-main.js'),
  });
  const speed = await fill(cluster.real, rows, nowMs, () => {}, interrupt.signal);
  console.log(`filled at ${speed.toFixed(0)} vectors/s, until applied`);
  const { gateway, shard } = cluster.serviceIds;
  const { searchesPerSecond, instantPerSecond, ratios, cpuRatios, recall, errors } = await comparePaths({
    real: measured(cluster.real, [gateway, shard], true), instant: measured(cluster.real, [gateway, shard], false),
    data, rows, clients, ef, k, nowMs, signal: interrupt.signal, secondsPerRound, rounds,
  });
  const cost = (1 - quantile(ratios, 0.5)) * 100;
  console.log(`${searchesPerSecond.toFixed(0)} searches/s with metrics, ${instantPerSecond.toFixed(0)} without; recall@${k} ${recall.toFixed(4)}, ${errors} errors`);
  console.log(`metrics cost ${cost.toFixed(2)} % of searches/s: the median of ${ratios.length} pairs; half of them lie between ${percent(ratios, 0.25)} and ${percent(ratios, 0.75)} %`);
  if (cpuRatios.length > 0) {
    const more = (share: number): string => ((quantile(cpuRatios, share) - 1) * 100).toFixed(2);
    console.log(`processor time of gateway and shard per search: ${more(0.5)} % more with metrics; half of the pairs lie between ${more(0.25)} and ${more(0.75)} %`);
  }
  if (errors > 0 || cost > Number(values['maximum-percent'] ?? Infinity)) process.exitCode = 1;
} finally {
  await cluster?.close();
  await nats?.close();
  await rm(directory, { recursive: true, force: true });
}
