// `npm run bench:size`: searches/s and inserts/s of one thread against the size of the index, and how far the curve is from logarithmic. One index grows
// and is measured at each size; the truth is its own scan. Options: --sizes, --dim, --bits, --recall, --queries, --seed, --intrinsic-dim, --clusters.
import { parseArgs } from 'node:util';
import { engineBench } from './workspace.mjs';

const { values } = parseArgs({ options: {
  sizes: { type: 'string', default: '10000,100000,1000000' }, dim: { type: 'string', default: '128' }, bits: { type: 'string', default: '8' },
  recall: { type: 'string', default: '0.95' }, queries: { type: 'string', default: '500' }, seed: { type: 'string', default: '1' },
  'intrinsic-dim': { type: 'string', default: '24' }, clusters: { type: 'string', default: '100' }, repetitions: { type: 'string', default: '5' },
} });
const bench = await engineBench(import.meta.url);
const { LocalEngine } = await import(new URL('../packages/index/dist/index.js', import.meta.url).href);

const K = 10;
const GROUP_ROWS = 100;
/** Beam widths; the last is reached only by large sizes. */
const EFS = [10, 12, 14, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384];
/** Share of a size's last inserts whose speed counts: by then the index is nearly that large. */
const INSERTS_TIMED = 0.1;
const sizes = values.sizes.split(',').map(Number);
const [dim, queryCount, recall, seed] = [values.dim, values.queries, values.recall, values.seed].map(Number);
const largest = sizes.at(-1);
const all = bench.clusteredVectors({
  seed, count: largest + queryCount, dim, intrinsicDim: Number(values['intrinsic-dim']), clusterCount: Number(values.clusters) });
const vectorAt = (row) => all.subarray(row * dim, (row + 1) * dim);
const queries = Array.from({ length: queryCount }, (_, i) => vectorAt(largest + i));
const queriesTogether = all.subarray(largest * dim);
const index = LocalEngine.start().openIndex({
  dim, distance: 'l2', m: 16, efConstruction: 200, seed, rabitq: { bits: Number(values.bits), seed } });

function insert(from, to) {
  for (let row = from; row < to; row += GROUP_ROWS) {
    const ids = Array.from({ length: Math.min(GROUP_ROWS, to - row) }, (_, i) => row + i);
    index.apply(ids.map((id) => ({ type: 'put', id, vector: vectorAt(id) })));
  }
}

/** Figures of one beam width: searches/s with a query per call and with all in one call, taking turns, and distances per search. */
function sweepPoint(ef, truth) {
  const settings = { k: K, ef, path: 'rabitq' };
  const found = queries.map((vector) => index.search({ ...settings, vector }));
  const speedOf = (search) => {
    const startMs = performance.now();
    search();
    return queryCount / (performance.now() - startMs) * 1000;
  };
  const alone = [];
  const together = [];
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    alone.push(speedOf(() => { for (const vector of queries) index.search({ ...settings, vector }); }));
    together.push(speedOf(() => { index.searchMany(queriesTogether, settings); }));
  }
  return {
    ef, recall: bench.meanRecall(found.map(({ ids }) => ids), truth), alone: bench.median(alone), together: bench.median(together),
    distances: found.reduce((sum, { distanceComputations }) => sum + distanceComputations, 0) / queryCount };
}

/** A figure of the sweep at the recall asked for. */
function atRecall(sweep, figure, size) {
  const at = bench.speedAtRecall(sweep.map((point) => ({ ef: point.ef, recall: point.recall, searchesPerSecond: point[figure] })), recall);
  if (at === undefined) throw new Error(`no beam width up to ${EFS.at(-1)} reaches recall ${recall} at ${size} vectors`);
  return at;
}

function measured(size, built) {
  const timedFrom = Math.max(built, Math.floor(size * (1 - INSERTS_TIMED)));
  insert(built, timedFrom);
  const startMs = performance.now();
  insert(timedFrom, size);
  const insertsPerSecond = (size - timedFrom) / (performance.now() - startMs) * 1000;
  const truth = queries.map((vector) => index.search({ vector, k: K, ef: K, path: 'flat' }).ids);
  const sweep = [];
  for (const ef of EFS) {
    sweep.push(sweepPoint(ef, truth));
    if (sweep.at(-1).recall > recall + 0.02) break;
  }
  const [alone, together, distances] = ['alone', 'together', 'distances'].map((figure) => atRecall(sweep, figure, size));
  return { size, insertsPerSecond, searchesPerSecond: alone.searchesPerSecond, together: together.searchesPerSecond, distances: distances.searchesPerSecond, kind: alone.kind };
}

const number = (value) => Math.round(value).toLocaleString('en');
console.log(`| vectors | inserts/s | searches/s at recall ${recall} | all in one call | distances per search | cost of a search | of its distances | if it grew as log n | cost of an insert |`);
console.log('|---|---|---|---|---|---|---|---|---|');
let first;
let built = 0;
for (const size of sizes) {
  const row = measured(size, built);
  built = size;
  first ??= row;
  const log = (Math.log(size) / Math.log(first.size)).toFixed(2);
  const search = (first.searchesPerSecond / row.searchesPerSecond).toFixed(2);
  const insertion = (first.insertsPerSecond / row.insertsPerSecond).toFixed(2);
  const bound = row.kind === 'atLeast' ? '>' : '';
  console.log(`| ${number(size)} | ${number(row.insertsPerSecond)} | ${bound}${number(row.searchesPerSecond)} | ${bound}${number(row.together)} | ${number(row.distances)} | ${search} | ${(row.distances / first.distances).toFixed(2)} | ${log} | ${insertion} |`);
}
