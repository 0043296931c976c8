// `npm run campaign:churn`: thirty rounds that each remove a random tenth of an index and put as many other vectors, then recall, speed (by the
// processor time of the process), memory and lost vectors beside an index built freshly from what is left. Ends with code 1 where a bound is broken.
import { parseArgs } from 'node:util';
import { engineBench } from './workspace.mjs';

const { values } = parseArgs({ options: {
  count: { type: 'string', default: '20000' }, dim: { type: 'string', default: '128' }, queries: { type: 'string', default: '1000' },
  rounds: { type: 'string', default: '30' }, share: { type: 'string', default: '0.1' }, k: { type: 'string', default: '10' },
  ef: { type: 'string', default: '48' }, m: { type: 'string', default: '16' }, 'ef-construction': { type: 'string', default: '200' },
  bits: { type: 'string', default: '8' }, seed: { type: 'string', default: '1' }, repetitions: { type: 'string', default: '9' },
} });

/** A walk of bounded width finds nearly everything, in any index: so many of a churned one's vectors more than of a fresh one's may stay unfound. */
const UNFOUND_MORE = 1 / 10_000;

/** Of this process, which does nothing else meanwhile: exact to the microsecond, while that of one thread comes in steps of the system's ticks. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const bench = await engineBench(import.meta.url);
const [count, dim, queryCount, rounds, share, seed] = [values.count, values.dim, values.queries, values.rounds, values.share, values.seed].map(Number);
const total = Math.ceil(count * (1 + rounds * share * 1.2)) + queryCount;
const rows = bench.clusteredVectors({ seed, count: total, dim, intrinsicDim: 24, clusterCount: 100 });
const all = Array.from({ length: total }, (_, row) => bench.rowOf({ values: rows, dim, count: total }, row));
const result = bench.measureChurn({
  spec: { dim, distance: 'l2', m: Number(values.m), efConstruction: Number(values['ef-construction']), seed, rabitq: { bits: Number(values.bits), seed } },
  vectors: all.slice(0, -queryCount), queries: all.slice(-queryCount), liveCount: count, rounds, share, k: Number(values.k), ef: Number(values.ef),
  repetitions: Number(values.repetitions), random: bench.seededUniform(seed), cpuMs, say: (line) => console.log(line),
});
console.log(`${count} x ${dim}, ${rounds} rounds of ${share}, ef ${values.ef}, seed ${seed}`);
const lines = [
  ['recall, churned and fresh', `${result.churnedRecall.toFixed(4)} ${result.freshRecall.toFixed(4)}`, result.churnedRecall > result.freshRecall - 0.005],
  ['live vectors that a search for themselves does not find, churned and fresh', `${result.unfoundCount} ${result.freshUnfoundCount}`,
    result.unfoundCount <= result.freshUnfoundCount + count * UNFOUND_MORE],
  ['live vectors that no edges lead to', `${result.unreachableCount}`, result.unreachableCount === 0],
  ['bytes after the first and the last round, least and most', [result.roundBytes[0], result.roundBytes.at(-1), Math.min(...result.roundBytes), Math.max(...result.roundBytes)].join(' '),
    Math.max(...result.roundBytes) === Math.min(...result.roundBytes)],
  ['searches in a second of processor time, churned and fresh, and the median ratio of neighbouring turns',
    `${result.churnedSearchesPerSecond.toFixed(0)} ${result.freshSearchesPerSecond.toFixed(0)} ${result.speedRatio.toFixed(3)}`, result.speedRatio > 0.9],
];
console.log(`distances per search, churned and fresh: ${result.churnedDistances.toFixed(0)} ${result.freshDistances.toFixed(0)}`);
for (const [name, figures, holds] of lines) console.log(`${holds ? 'holds ' : 'BROKEN'}  ${name}: ${figures}`);
process.exitCode = lines.every(([, , holds]) => holds) ? 0 : 1;
