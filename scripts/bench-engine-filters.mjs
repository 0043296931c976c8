// `npm run bench:engine-filters`: recall@10 and searches/s of the engine alone under filters, by the share that passes and by how the filter
// stands to the query, as a table in Markdown and as JSON. The truth is the path `flat` under the same filter. One thread.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engineBench, root } from './workspace.mjs';

const { values } = parseArgs({ options: {
  data: { type: 'string', default: '100000x128' }, bits: { type: 'string', default: '8' }, ef: { type: 'string', default: '100' },
  queries: { type: 'string', default: '60' }, repetitions: { type: 'string', default: '5' }, seed: { type: 'string', default: '1' },
  shares: { type: 'string', default: '50,20,10,5,2,1,0.1,0.01' }, strategy: { type: 'string' }, out: { type: 'string', default: join(root, '.cache', 'bench-engine-filters') },
} });

const bench = await engineBench(import.meta.url);
const { LocalEngine } = await import(new URL('../packages/index/dist/index.js', import.meta.url).href);
const [count, dim] = values.data.split('x').map(Number);
const queryCount = Number(values.queries);
const seed = Number(values.seed);
const k = 10;
const ef = Number(values.ef);
const all = bench.clusteredVectors({ seed, count: count + queryCount, dim, intrinsicDim: 24, clusterCount: 100 });
const row = (i) => all.subarray(i * dim, (i + 1) * dim);

const index = LocalEngine.start().openIndex({ dim, distance: 'l2', m: 16, efConstruction: 200, seed, rabitq: { bits: Number(values.bits), seed } });
for (let from = 0; from < count; from += 100) {
  index.apply(Array.from({ length: Math.min(100, count - from) }, (_, i) => ({ type: 'put', id: from + i, vector: row(from + i) })));
}

let state = seed;
/** Uniform numbers in [0, 1), from a linear congruential generator (Numerical Recipes). */
function uniform() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Ids from near to far. */
function byDistance(query) {
  const distances = Float64Array.from({ length: count }, (_, id) => {
    let sum = 0;
    for (let i = 0; i < dim; i++) sum += (query[i] - all[id * dim + i]) ** 2;
    return sum;
  });
  return Uint32Array.from(distances.keys()).sort((a, b) => distances[a] - distances[b]);
}

/** `passing` of all ids, of the nearest `2 * passing`, or of the farthest. */
const KINDS = {
  independent: (_order, passing) => draw(Uint32Array.from({ length: count }, (_, id) => id), passing),
  correlated: (order, passing) => draw(order.subarray(0, 2 * passing), passing),
  'against the query': (order, passing) => draw(order.subarray(-2 * passing), passing),
};

function draw(ids, passing) {
  const words = new Uint32Array(Math.ceil(count / 32));
  for (let left = passing; left > 0;) {
    const id = ids[Math.floor(uniform() * ids.length)];
    if ((words[id >>> 5] >>> (id & 31)) & 1) continue;
    words[id >>> 5] |= 1 << (id & 31);
    left--;
  }
  return words;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const orders = Array.from({ length: queryCount }, (_, i) => byDistance(row(count + i)));
const shares = values.shares.split(',').map(Number);
const results = [];
for (const share of shares) {
  for (const [kind, passingOf] of Object.entries(KINDS)) {
    const passing = Math.max(1, Math.round(count * share / 100));
    const cases = orders.map((order, i) => ({ vector: row(count + i), filter: { allowed: passingOf(order, passing), ...(values.strategy ? { strategy: values.strategy } : {}) } }));
    const truth = cases.map((request) => index.search({ ...request, k, ef, path: 'flat' }).ids);
    let hits;
    const seconds = [];
    for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
      const start = performance.now();
      hits = cases.map((request) => index.search({ ...request, k, ef, path: 'auto' }));
      seconds.push((performance.now() - start) / 1e3);
    }
    const wanted = truth.reduce((sum, ids) => sum + ids.length, 0);
    const found = hits.reduce((sum, { ids }, i) => sum + ids.filter((id) => truth[i].includes(id)).length, 0);
    const strategies = {};
    for (const { strategy } of hits) strategies[strategy] = (strategies[strategy] ?? 0) + 1;
    results.push({ share, kind, recall: found / wanted, searchesPerSecond: queryCount / median(seconds), strategies,
      distanceComputations: hits.reduce((sum, hit) => sum + hit.distanceComputations, 0) / queryCount });
  }
}

const kinds = Object.keys(KINDS);
console.log(`${count} x ${dim}, ${values.bits} bits, k ${k}, ef ${ef}, ${queryCount} queries, each with filters of its own, seed ${seed}`);
console.log(`| passes | ${kinds.join(' | ')} |\n|---|${kinds.map(() => '---|').join('')}`);
for (const share of shares) {
  const cells = results.filter((result) => result.share === share).map((result) => (
    `${result.recall.toFixed(3)}, ${Math.round(result.searchesPerSecond).toLocaleString('en')}/s, ${Object.entries(result.strategies).toSorted((a, b) => b[1] - a[1])[0][0]}`));
  console.log(`| ${share} % | ${cells.join(' | ')} |`);
}
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'engine-filters.json'), `${JSON.stringify({ options: { ...values }, results }, null, 2)}\n`);
