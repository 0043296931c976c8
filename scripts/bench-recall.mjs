// Recall@10 of each path on bigann10k, by bits of the codes, with and without re-ranking, at several beam widths, as a table in Markdown.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engineBench, root } from './workspace.mjs';

const { values } = parseArgs({ options: {
  data: { type: 'string', default: join(root, '..', 'shared', 'data') }, efs: { type: 'string', default: '50,100,200,400' } } });

const bench = await engineBench(import.meta.url);
const { openDataset } = await import(new URL('../packages/bench/dist/datasets/index.js', import.meta.url).href);
const { LocalEngine } = await import(new URL('../packages/index/dist/index.js', import.meta.url).href);
const k = 10;
const efs = values.efs.split(',').map(Number);

async function rowsOf(name) {
  const dataset = await openDataset(join(values.data, name));
  const rows = [];
  for await (const { values: row } of dataset.rows({ startRow: 0 })) rows.push(Float32Array.from(row));
  return rows;
}

const rows = await rowsOf('bigann10k_base.bvecs');
const queries = await rowsOf('bigann10k_query.bvecs');
const dim = rows[0].length;
const flat = (vectors) => ({ values: Float32Array.from(vectors.flatMap((vector) => [...vector])), dim, count: vectors.length });
const truth = bench.exactNeighbours(flat(rows), flat(queries), k);

function buildIndex(rabitq) {
  const index = LocalEngine.start().openIndex({ dim, distance: 'l2', m: 16, efConstruction: 200, seed: 1, ...rabitq }, (id) => rows[id]);
  for (let id = 0; id < rows.length; id += 100) index.apply(rows.slice(id, id + 100).map((vector, i) => ({ type: 'put', id: id + i, vector })));
  return index;
}

function line(name, index, request) {
  const recalls = efs.map((ef) => (
    bench.meanRecall(queries.map((vector) => index.search({ vector, k, ef, ...request }).ids), truth).toFixed(3)));
  console.log(`| ${name} | ${recalls.join(' | ')} |`);
}

console.log(`| path | ${efs.map((ef) => `ef ${ef}`).join(' | ')} |`);
console.log(`|---|${efs.map(() => '---|').join('')}`);
const plain = buildIndex({});
line('flat', plain, { path: 'flat' });
line('exact', plain, { path: 'exact' });
for (const bits of [8, 4, 2, 1]) {
  const index = buildIndex({ rabitq: { bits, seed: 1 } });
  const name = `rabitq, ${bits} bit${bits === 1 ? '' : 's'}`;
  line(`${name}, re-ranked`, index, { path: 'rabitq' });
  line(`${name}, not re-ranked`, index, { path: 'rabitq', rerank: 1 });
}
for (const bits of [8, 4, 2, 1]) {
  const index = buildIndex({ rabitq: { bits, seed: 1, memory: 'codes' } });
  const name = `only codes of ${bits} bit${bits === 1 ? '' : 's'}`;
  line(`${name}, rabitq`, index, { path: 'rabitq' });
  line(`${name}, flat`, index, { path: 'flat' });
}
