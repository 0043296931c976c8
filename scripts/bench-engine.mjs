// Shoal's paths against hnswlib-node (as its package builds it, and rebuilt for this machine's instructions) and
// usearch in every scalar type; one thread each with a query per call, then with all queries in one call, then all cores; the same data, engines
// taking turns. Writes JSON and an HTML plot.
// With `--equal-recall-builds`, also how fast graphs are built that answer equally well. The peers are no dependencies: they are installed into .cache the first time.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engineBench, root } from './workspace.mjs';

const { values } = parseArgs({ options: {
  data: { type: 'string', default: '100000x128,30000x768' }, 'bigann10k': { type: 'string', default: join(root, '..', 'shared', 'data') },
  queries: { type: 'string', default: '1000' }, k: { type: 'string', default: '10' }, m: { type: 'string', default: '16' },
  'ef-construction': { type: 'string', default: '200' }, seed: { type: 'string', default: '1' },
  'intrinsic-dim': { type: 'string', default: '24' }, clusters: { type: 'string', default: '100' },
  repetitions: { type: 'string', default: '5' }, shoal: { type: 'string', default: '8,4,exact' },
  usearch: { type: 'string', default: 'f32,f16,bf16,i8' }, 'no-peers': { type: 'boolean', default: false },
  threads: { type: 'string', default: 'one,together,all' }, 'equal-recall-builds': { type: 'boolean', default: false }, 'no-native': { type: 'boolean', default: false }, out: { type: 'string', default: join(root, '.cache', 'bench-engine') },
} });

const bench = await engineBench(import.meta.url);
const { openDataset } = await import(new URL('../packages/bench/dist/datasets/index.js', import.meta.url).href);
const k = Number(values.k);
const parameters = { m: Number(values.m), efConstruction: Number(values['ef-construction']) };
const say = (line) => console.log(line);

function generated(size) {
  const [count, dim] = size.split('x').map(Number);
  const queryCount = Number(values.queries);
  const all = bench.clusteredVectors({
    seed: Number(values.seed), count: count + queryCount, dim, intrinsicDim: Number(values['intrinsic-dim']), clusterCount: Number(values.clusters) });
  return {
    title: `${count} x ${dim}, clustered`, data: { values: all.subarray(0, count * dim), dim, count },
    queries: { values: all.subarray(count * dim), dim, count: queryCount } };
}

async function rowsOf(path) {
  const dataset = await openDataset(path);
  const rows = [];
  for await (const { values: row } of dataset.rows({ startRow: 0 })) rows.push(Float32Array.from(row));
  const dim = rows[0].length;
  const flat = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => { flat.set(row, i * dim); });
  return { values: flat, dim, count: rows.length };
}

const ranges = values.threads.split(',');
const EF_CONSTRUCTIONS = [100, 120, 140, 160, 180, 200, 240, 280];
const cores = availableParallelism();
const walks = values.shoal.split(',').map((walk) => (walk === 'exact' ? 'exact' : Number(walk)));

/** The same engines with all queries at once, on one thread or on all cores: hnswlib-node has one thread and a query per call there too. */
async function askedAtOnce({ data, queries }, threadCount) {
  const engines = await Promise.all(walks.map((walk) => (
    threadCount === 1 ? bench.shoalInOneCall(queries, parameters, walk) : bench.parallelShoal(queries, parameters, walk, threadCount))));
  if (values['no-peers']) return engines;
  const folder = join(root, '.cache', 'bench-peers');
  bench.ensurePeers(folder, say);
  engines.push(bench.oneAfterTheOther(bench.hnswlibEngine(bench.loadPeer(folder, 'hnswlib-node'), data, queries, parameters), queries.count));
  const usearch = bench.loadPeer(folder, 'usearch');
  for (const scalar of values.usearch.split(',')) engines.push(bench.parallelUsearch(usearch, data, queries, parameters, scalar, threadCount));
  return engines;
}

/** Graphs that answer equally well at ef 64: of our first path, of hnswlib-node and of usearch's types. */
function equalRecallBuilds({ data, queries }, truth) {
  const folder = join(root, '.cache', 'bench-peers');
  bench.ensurePeers(folder, say);
  const [hnswlib, usearch] = ['hnswlib-node', 'usearch'].map((name) => bench.loadPeer(folder, name));
  const builds = bench.buildsAtEqualRecall({
    data, queries, truth, say, nowMs: () => performance.now(), ef: 64, repetitions: Number(values.repetitions), efConstructions: EF_CONSTRUCTIONS,
    own: (efConstruction) => bench.shoalEngine(queries, { ...parameters, efConstruction }, walks[0]),
    peers: [() => bench.hnswlibEngine(hnswlib, data, queries, parameters), ...values.usearch.split(',').map((scalar) => () => bench.usearchEngine(usearch, data, queries, parameters, scalar))],
  });
  say(`Building graphs that answer equally well, one thread\n${bench.equalRecallTable(builds)}`);
  return builds;
}

function peersFor({ data, queries }) {
  if (values['no-peers']) return [];
  const folder = join(root, '.cache', 'bench-peers');
  bench.ensurePeers(folder, say);
  const engines = [bench.hnswlibEngine(bench.loadPeer(folder, 'hnswlib-node'), data, queries, parameters)];
  if (!values['no-native']) {
    const native = join(root, '.cache', 'bench-peers-native');
    try {
      bench.ensurePeers(native, say, { ...process.env, CXXFLAGS: '-O3 -march=native' });
      engines.push(bench.hnswlibEngine(bench.loadPeer(native, 'hnswlib-node'), data, queries, parameters, 'hnswlib-node -march=native'));
    } catch (error) {
      say(`hnswlib-node could not be rebuilt with -march=native: ${error.message}`);
    }
  }
  const usearch = bench.loadPeer(folder, 'usearch');
  for (const scalar of values.usearch.split(',')) engines.push(bench.usearchEngine(usearch, data, queries, parameters, scalar));
  return engines;
}

const datasets = values.data === '' ? [] : values.data.split(',').map((size) => () => generated(size));
if (existsSync(join(values.bigann10k, 'bigann10k_base.bvecs'))) {
  datasets.push(async () => ({
    title: 'bigann10k', data: await rowsOf(join(values.bigann10k, 'bigann10k_base.bvecs')),
    queries: await rowsOf(join(values.bigann10k, 'bigann10k_query.bvecs')) }));
}

const reports = [];
const builds = [];
for (const load of datasets) {
  const dataset = await load();
  const { data, queries } = dataset;
  say(`\n${dataset.title}: ${queries.count} queries, k=${k}, M=${parameters.m}, efConstruction=${parameters.efConstruction}, l2, seed ${values.seed}, Node ${process.versions.node}`);
  const options = {
    data, queries, truth: bench.exactNeighbours(data, queries, k), say, nowMs: () => performance.now(),
    efs: [10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256].filter((ef) => ef >= k), repetitions: Number(values.repetitions) };
  if (values['equal-recall-builds']) builds.push({ title: dataset.title, builds: equalRecallBuilds(dataset, options.truth) });
  if (ranges.includes('one')) {
    const own = walks.map((walk) => bench.shoalEngine(queries, parameters, walk));
    const results = bench.benchmarkEngines([...own, ...peersFor(dataset)], options);
    say(`One thread\n${bench.engineTable(results)}`);
    reports.push({ title: dataset.title, threads: 'one thread', results });
  }
  if (ranges.includes('together')) {
    const results = await bench.benchmarkInParallel(await askedAtOnce(dataset, 1), options);
    say(`One thread, all queries in one call; hnswlib-node's interface takes one query\n${bench.engineTable(results)}`);
    reports.push({ title: dataset.title, threads: 'one thread, one call', results });
  }
  if (ranges.includes('all')) {
    const results = await bench.benchmarkInParallel(await askedAtOnce(dataset, cores), options);
    say(`All ${cores} cores, all queries at once; hnswlib-node's interface has one thread only\n${bench.engineTable(results)}`);
    reports.push({ title: dataset.title, threads: `all ${cores} cores`, results });
  }
}

mkdirSync(values.out, { recursive: true });
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.versions.node };
writeFileSync(join(values.out, 'engine.json'), `${JSON.stringify({ machine, options: { ...values }, datasets: reports, builds }, null, 2)}\n`);
writeFileSync(join(values.out, 'engine.html'), bench.enginePage(reports));
say(`\nWritten to ${values.out}: engine.json, engine.html`);
