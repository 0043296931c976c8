/**
 * Recall@10 and searches/s of filtered searches through the API of an embedded node, over selectivities and over how the filter stands to the
 * query: independent of it, correlated with it, or against it. The attribute behind the last two is the place of a vector along one
 * direction of the space; queries lie at one end of it. The truth is the scan (path flat) under the same filter.
 */
import { parseArgs } from 'node:util';
import { clusteredVectors } from '@shoal/bench';
import type { EmbeddingHandle, Filter } from '@shoal/client';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { seededRandom } from '../harness/workload.ts';

interface Attributes {
  /** A random rank. */
  readonly rank: number;
  /** The rank of its place along the direction. */
  readonly place: number;
}

interface Row {
  readonly filter: string;
  readonly share: number;
  readonly recall: number;
  readonly searchesPerSecond: number;
}

const K = 10;
const EF = 100;
const SHARES = [0.5, 0.2, 0.1, 0.05, 0.01, 0.001];

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    dim: { type: 'string', default: '128' },
    clients: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '2' },
    queries: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(options.count);
const dim = Number(options.dim);
const queryCount = Number(options.queries);
const random = seededRandom(Number(options.seed));
const all = clusteredVectors({ seed: Number(options.seed), count: count * 2, dim, intrinsicDim: 16, clusterCount: 200 });
const vectorAt = (index: number): Float32Array => all.subarray(index * dim, (index + 1) * dim);

/** The rank of each of the first `count` numbers. */
function ranksOf(numbers: readonly number[]): Int32Array {
  const ranks = new Int32Array(numbers.length);
  numbers.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value).forEach(({ index }, rank) => (ranks[index] = rank));
  return ranks;
}

const direction = Float32Array.from({ length: dim }, () => random() * 2 - 1);
const placeOf = (vector: Float32Array): number => vector.reduce((sum, value, index) => sum + value * (direction[index] ?? 0), 0);
const ranks = ranksOf(Array.from({ length: count }, () => random()));
const places = ranksOf(Array.from({ length: count }, (_, index) => placeOf(vectorAt(index))));
/** Of the vectors that are not stored, those farthest along the direction. */
const queries = Array.from({ length: count }, (_, index) => vectorAt(count + index))
  .map((vector) => ({ vector, place: placeOf(vector) }))
  .sort((a, b) => b.place - a.place)
  .slice(0, queryCount)
  .map(({ vector }) => vector);

const FILTERS: { readonly [name: string]: (share: number) => Filter<Attributes> | undefined } = {
  none: () => undefined,
  independent: (share) => ({ field: 'rank', range: { lt: Math.round(count * share) } }),
  correlated: (share) => ({ field: 'place', range: { gte: Math.round(count * (1 - share)) } }),
  'against the query': (share) => ({ field: 'place', range: { lt: Math.round(count * share) } }),
};

async function keysOf(handle: EmbeddingHandle<Attributes>, vector: Float32Array, filter: Filter<Attributes> | undefined, path: 'auto' | 'flat'): Promise<readonly string[]> {
  const { hits } = await handle.search({ vector, k: K, ef: EF, path, timeoutMs: 60_000, ...(filter === undefined ? {} : { filter }) });
  return hits.map(({ key }) => key);
}

async function recallOf(handle: EmbeddingHandle<Attributes>, filter: Filter<Attributes> | undefined): Promise<number> {
  let found = 0;
  let wanted = 0;
  for (const vector of queries) {
    const truth = new Set(await keysOf(handle, vector, filter, 'flat'));
    wanted += truth.size;
    for (const key of await keysOf(handle, vector, filter, 'auto')) if (truth.has(key)) found += 1;
  }
  return found / wanted;
}

async function speedOf(handle: EmbeddingHandle<Attributes>, filter: Filter<Attributes> | undefined): Promise<number> {
  const beginMs = performance.now();
  const endMs = beginMs + Number(options.seconds) * 1_000;
  let searches = 0;
  await Promise.all(Array.from({ length: Number(options.clients) }, async (_, client) => {
    for (let turn = client; performance.now() < endMs; turn += 1) {
      await keysOf(handle, queries[turn % queries.length] ?? vectorAt(count), filter, 'auto');
      searches += 1;
    }
  }));
  return (searches * 1_000) / (performance.now() - beginMs);
}

async function load(node: EmbeddedProcess): Promise<EmbeddingHandle<Attributes>> {
  const { handle } = await node.client().register<Attributes>({ name: 'filters', model: 'bench', dim, distance: 'l2', fields: { rank: 'integer', place: 'integer' } });
  const rows = function* () {
    for (let index = 0; index < count; index += 1) yield { key: `k${index}`, values: vectorAt(index), payload: { rank: ranks[index] ?? 0, place: places[index] ?? 0 } };
  };
  const { receipt } = await handle.upsert(rows(), { timeoutMs: 600_000 });
  await handle.waitUntilApplied(receipt, { timeoutMs: 600_000 });
  return handle;
}

function print(rows: readonly Row[]): void {
  if (options.json) return console.log(JSON.stringify({ count, dim, k: K, ef: EF, clients: Number(options.clients), rows }));
  console.log('| filter | passes | recall@10 | searches/s |\n|---|---|---|---|');
  for (const { filter, share, recall, searchesPerSecond } of rows) console.log(`| ${filter} | ${share * 100} % | ${recall.toFixed(3)} | ${Math.round(searchesPerSecond).toLocaleString('en')} |`);
}

const node = await EmbeddedProcess.start({ SHOAL_LOG_LEVEL: 'warn' });
try {
  const handle = await load(node);
  const rows: Row[] = [];
  for (const [name, filterOf] of Object.entries(FILTERS)) {
    for (const share of name === 'none' ? [1] : SHARES) {
      const filter = filterOf(share);
      rows.push({ filter: name, share, recall: await recallOf(handle, filter), searchesPerSecond: await speedOf(handle, filter) });
    }
  }
  print(rows);
} finally {
  await node.close();
}
