/** `npm run bench:fairness`: the p99 of a tenant beside one that sends ten times its rate, and beside one without a rate that sends all it can. */
import { parseArgs } from 'node:util';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { measureNoise, median, type NoisyOptions, type Window } from './noisy-tenant.ts';

const { values } = parseArgs({ options: {
  quota: { type: 'string', default: '200' }, times: { type: 'string', default: '10' }, 'quiet-rate': { type: 'string', default: '100' },
  'window-ms': { type: 'string', default: '5000' }, windows: { type: 'string', default: '5' }, seed: { type: 'string', default: '1' },
} });
const quota = Number(values.quota);
const shared = {
  dim: 64, quietVectors: 5_000, noisyVectors: 20_000, quietPerSecond: Number(values['quiet-rate']),
  windowMs: Number(values['window-ms']), windows: Number(values.windows), seed: Number(values.seed),
};
const runs: readonly (readonly [string, NoisyOptions])[] = [
  [`at ${values.times} times its rate of ${quota}/s`, { ...shared, noisyQuota: quota, noisyPerSecond: quota * Number(values.times) }],
  [`without a rate, at ${quota * Number(values.times)}/s`, { ...shared, noisyQuota: undefined, noisyPerSecond: quota * Number(values.times) }],
];

const row = (windows: readonly Window[], name: 'p50' | 'p99'): string => windows.map((window) => window[name].toFixed(1)).join(' ');

console.log(`seed ${values.seed}; a tenant at ${values['quiet-rate']} searches/s; windows of ${values['window-ms']} ms, alone and beside the noise in turns`);
for (const [title, options] of runs) {
  const node = await EmbeddedProcess.start();
  try {
    const { alone, beside, noisyStatuses } = await measureNoise(node, options);
    const [before, after] = [median(alone.map(({ p99 }) => p99)), median(beside.map(({ p99 }) => p99))];
    console.log(`\nnoisy tenant ${title}; its answers by status: ${JSON.stringify(noisyStatuses)}`);
    console.log(`  p99 ms alone:  ${row(alone, 'p99')}  median ${before.toFixed(1)}   (p50 ${row(alone, 'p50')})`);
    console.log(`  p99 ms beside: ${row(beside, 'p99')}  median ${after.toFixed(1)}   (p50 ${row(beside, 'p50')})`);
    console.log(`  ratio of the medians ${(after / before).toFixed(2)}; searches refused to the other tenant: ${JSON.stringify([...alone, ...beside].map(({ refused }) => refused))}`);
  } finally {
    await node.close();
  }
}
