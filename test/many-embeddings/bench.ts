/** `npm run bench:embeddings`: many small embeddings in one process: creation, memory, restart, and one of them searched beside one that is alone. */
import { parseArgs } from 'node:util';
import { median } from '../fairness/noisy-tenant.ts';
import { measureMany } from './many-run.ts';

const { values } = parseArgs({ options: {
  embeddings: { type: 'string', default: '10000' }, vectors: { type: 'string', default: '100' }, dim: { type: 'string', default: '64' }, workers: { type: 'string', default: '16' },
  windows: { type: 'string', default: '9' }, searches: { type: 'string', default: '200' }, json: { type: 'boolean', default: false },
} });
const options = {
  embeddings: Number(values.embeddings), vectors: Number(values.vectors), dim: Number(values.dim), workers: Number(values.workers),
  windows: Number(values.windows), windowSearches: Number(values.searches),
};
const report = await measureMany(options);
if (values.json) {
  console.log(JSON.stringify({ options, report }, undefined, 2));
} else {
  const { memory, alone, among } = report;
  const each = (bytes: number): string => `${(bytes / options.embeddings / 1024).toFixed(1)} KiB`;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  console.log(`${options.embeddings} embeddings of ${options.vectors} vectors of ${options.dim} dimensions (${each(options.embeddings * options.vectors * options.dim * 4)} of components each), ${options.workers} clients`);
  console.log(`registered in ${seconds(report.registeredMs)}, written and applied in ${seconds(report.writtenMs)}; searches of each that went wrong: ${report.wrong}, after the restart ${report.wrongAfterRestart}`);
  console.log(`process memory per embedding: ${each(memory.filled - memory.empty)} when written, ${each(memory.restarted - memory.empty)} after the restart (peak ${(memory.restartedPeak / memory.restarted).toFixed(2)} of that); engine memory ${each(report.engineBytes)}`);
  console.log(`restart until every slot is served: ${seconds(report.restartMs)}; with one embedding: ${seconds(report.emptyRestartMs)}`);
  for (const name of ['p50', 'p99'] as const) {
    const [one, other] = [alone, among].map((windows) => median(windows.map((window) => window[name]))) as [number, number];
    console.log(`${name} of one embedding: ${one.toFixed(2)} ms alone, ${other.toFixed(2)} ms among the others, ratio ${(other / one).toFixed(2)} (medians of ${options.windows} windows in turns)`);
  }
}
