/** `npm run campaign:soak`: an hour of readers and a writer on one engine; fails on any answer that could not be at its time. */
import { parseArgs } from 'node:util';
import type { CodeBits, VectorMemory } from '@shoal/index';
import { runSoak } from './soak-run.ts';
import type { SoakReport } from './soak-run.ts';

const { values } = parseArgs({ options: {
  minutes: { type: 'string', default: '60' }, readers: { type: 'string', default: '8' }, threads: { type: 'string', default: '2' },
  count: { type: 'string', default: '10000' }, dim: { type: 'string', default: '64' }, bits: { type: 'string', default: '8' }, memory: { type: 'string', default: 'full' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) }, 'report-seconds': { type: 'string', default: '60' },
} });

/** Of the answers that were compared with a scan. */
const LEAST_RECALL = 0.95;

function print(report: SoakReport): void {
  const { groups, inserts, updates, deletes, searches, compared, recallSum, usedBytes, paths, faults } = report;
  const byPath = [...paths].map(([path, count]) => `${count} ${path}`).join(', ');
  console.log(`${groups} groups: ${inserts} inserts, ${updates} updates, ${deletes} deletes; ${searches} searches (${byPath}), ${compared} compared, recall ${(recallSum / compared).toFixed(4)}; ${usedBytes} bytes in use; ${faults.length} faults`);
}

console.log(`seed ${values.seed}, ${values.minutes} minutes`);
const report = await runSoak({
  idCount: Number(values.count), dim: Number(values.dim), bits: Number(values.bits) as CodeBits, memory: values.memory as VectorMemory, seed: Number(values.seed), readerCount: Number(values.readers),
  searchThreadCount: Number(values.threads), durationMs: Number(values.minutes) * 60_000, pauseMs: 0, reportEveryMs: Number(values['report-seconds']) * 1_000, onReport: print,
});
print(report);
for (const fault of report.faults) console.log(`FAULT ${fault}`);
const holds = report.faults.length === 0 && report.recallSum / report.compared > LEAST_RECALL;
console.log(holds ? 'passed' : 'FAILED');
process.exitCode = holds ? 0 : 1;
