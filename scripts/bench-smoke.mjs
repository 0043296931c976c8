// `npm run bench:smoke`: the engine against hnswlib-node and usearch, one thread each, on the same generated data in the same run.
// The peers are no dependencies: they are installed into .cache/bench-peers the first time.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engineBench, root } from './workspace.mjs';

const { values } = parseArgs({ options: {
  count: { type: 'string', default: '20000' }, dim: { type: 'string', default: '128' }, queries: { type: 'string', default: '1000' },
  k: { type: 'string', default: '10' }, m: { type: 'string', default: '16' }, 'ef-construction': { type: 'string', default: '200' },
  seed: { type: 'string', default: '1' }, 'intrinsic-dim': { type: 'string', default: '24' }, clusters: { type: 'string', default: '100' },
  repetitions: { type: 'string', default: '3' }, 'no-peers': { type: 'boolean', default: false }, sweep: { type: 'boolean', default: false },
} });

const bench = await engineBench(import.meta.url);
const [count, dim, queryCount, k] = [values.count, values.dim, values.queries, values.k].map(Number);
const parameters = { m: Number(values.m), efConstruction: Number(values['ef-construction']) };
const all = bench.clusteredVectors({
  seed: Number(values.seed), count: count + queryCount, dim, intrinsicDim: Number(values['intrinsic-dim']), clusterCount: Number(values.clusters) });
const data = { values: all.subarray(0, count * dim), dim, count };
const queries = { values: all.subarray(count * dim), dim, count: queryCount };
console.log(`${count} x ${dim}, ${queryCount} queries, k=${k}, M=${parameters.m}, efConstruction=${parameters.efConstruction}, l2, seed ${values.seed}, Node ${process.versions.node}`);

const engines = [bench.shoalEngine(queries, parameters, 8), bench.shoalEngine(queries, parameters)];
if (!values['no-peers']) {
  const folder = join(root, '.cache', 'bench-peers');
  bench.ensurePeers(folder, (line) => console.log(line));
  const usearch = bench.loadPeer(folder, 'usearch');
  engines.push(bench.hnswlibEngine(bench.loadPeer(folder, 'hnswlib-node'), data, queries, parameters));
  for (const scalar of ['f32', 'bf16']) engines.push(bench.usearchEngine(usearch, data, queries, parameters, scalar));
}
const results = bench.benchmarkEngines(engines, {
  data, queries, truth: bench.exactNeighbours(data, queries, k), efs: [10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192].filter((ef) => ef >= k),
  repetitions: Number(values.repetitions), nowMs: () => performance.now(), say: (line) => console.log(line),
});
if (values.sweep) {
  for (const { name, sweep } of results) {
    console.log(name, sweep.map(({ ef, recall, searchesPerSecond }) => `${ef}: ${recall.toFixed(4)} ${searchesPerSecond.toFixed(0)}/s`).join(' | '));
  }
}
console.log(bench.engineTable(results));
