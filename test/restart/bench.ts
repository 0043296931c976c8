/** `npm run bench:restart`: how soon an embedded node answers after a restart, beside reading the bytes of its files; memory and recall before and after. */
import { parseArgs } from 'node:util';
import { measureRestart } from './restart-run.ts';

const { values } = parseArgs({ options: {
  count: { type: 'string', default: '100000' }, dim: { type: 'string', default: '128' }, 'ef-construction': { type: 'string', default: '200' },
  restarts: { type: 'string', default: '3' }, queries: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' },
  'without-files': { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
} });
const options = {
  count: Number(values.count), dim: Number(values.dim), efConstruction: Number(values['ef-construction']), restarts: Number(values.restarts),
  queries: Number(values.queries), seed: Number(values.seed), withoutFiles: values['without-files'],
};
const report = await measureRestart(options);
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const ms = (time: number): string => `${time.toFixed(0)} ms`;

if (values.json) {
  console.log(JSON.stringify({ options, report }, undefined, 2));
} else {
  const { indexFiles, rowFiles } = report;
  console.log(`${options.count} vectors of ${options.dim} dimensions, seed ${options.seed}; loaded in ${ms(report.loadMs)}; recall@10 before ${report.recallBefore.toFixed(4)}`);
  console.log(`reading with cold caches: indexes ${mb(indexFiles.byteCount)} in ${ms(indexFiles.tookMs)}, rows ${mb(rowFiles.byteCount)} in ${ms(rowFiles.tookMs)}; memory of the loaded process ${mb(report.loadedBytes)}`);
  console.log('| ended by | answers after (processor time) | an empty node | difference, of reading the indexes | recall@10 | same answers | peak memory | steady | peak of the loaded process |\n|---|---|---|---|---|---|---|---|---|');
  for (const { how, answered, empty, recall, sameAnswers, peakBytes, steadyBytes } of report.restarts) {
    console.log(`| ${how} | ${ms(answered.tookMs)} (${ms(answered.processorMs)}) | ${ms(empty.tookMs)} (${ms(empty.processorMs)}) | ${((answered.tookMs - empty.tookMs) / indexFiles.tookMs).toFixed(1)} | ${recall.toFixed(4)} | ${sameAnswers} of ${options.queries} | ${mb(peakBytes)} | ${mb(steadyBytes)} | ${(peakBytes / report.loadedBytes).toFixed(2)} |`);
  }
}
