/** `npm run campaign:churn`: rounds that delete a share of an index and insert as many; fails where recall, speed, memory or reach fall behind a fresh build. */
import { parseArgs } from 'node:util';
import type { CodeBits } from '@shoal/index';
import { runChurn } from './churn-run.ts';

const { values } = parseArgs({ options: {
  count: { type: 'string', default: '20000' }, dim: { type: 'string', default: '128' }, rounds: { type: 'string', default: '30' },
  share: { type: 'string', default: '0.1' }, bits: { type: 'string', default: '8' }, seed: { type: 'string', default: '1' },
  queries: { type: 'string', default: '500' }, repetitions: { type: 'string', default: '31' },
} });
const [count, dim, rounds, share, seed] = [values.count, values.dim, values.rounds, values.share, values.seed].map(Number) as [number, number, number, number, number];
const percent = (value: number): string => `${(value * 100).toFixed(2)} %`;

console.log(`${count} x ${dim}, ${values.bits} bits, ${rounds} rounds of ${percent(share)}, seed ${seed}`);
const report = runChurn({
  count, dim, rounds, share, seed, bits: Number(values.bits) as CodeBits, queryCount: Number(values.queries), repetitions: Number(values.repetitions),
  efs: [16, 32, 64, 128], onRound: (line) => { console.log(line); },
});
console.log('| ef | recall churned | recall fresh | searches/s to fresh |\n|---|---|---|---|');
for (const { ef, churnedRecall, freshRecall, speedRatio } of report.comparisons) {
  console.log(`| ${ef} | ${percent(churnedRecall)} | ${percent(freshRecall)} | ${speedRatio.toFixed(3)} |`);
}
const [first, last] = [report.memoryBytes[0] ?? 0, report.memoryBytes.at(-1) ?? 0];
console.log(`memory ${first} bytes before, ${last} after, ${report.freshMemoryBytes} fresh; unreachable ${Math.max(...report.unreachableAfterRounds)} at most, ${report.freshUnreachable} fresh`);
const faults = [
  ...report.comparisons.filter(({ churnedRecall, freshRecall }) => churnedRecall < freshRecall - 0.005).map(({ ef }) => `recall at ef ${ef} is more than 0.5 points below a fresh build`),
  ...report.comparisons.filter(({ speedRatio }) => speedRatio < 0.9).map(({ ef }) => `searches at ef ${ef} are more than 10 % slower than on a fresh build`),
  ...(last > first ? ['memory grew'] : []),
  ...(report.unreachableAfterRounds.some((unreachable) => unreachable > 0) ? ['live vectors are unreachable'] : []),
];
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? 'passed' : 'FAILED');
process.exitCode = faults.length === 0 ? 0 : 1;
