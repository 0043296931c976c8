/** `npm run campaign:fuzz`: millions of requests against an embedded node in a process of its own; fails on any fault, crash or growth of memory. */
import { parseArgs } from 'node:util';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { runFuzz, type FuzzReport } from './fuzz-run.ts';
import { prepareTarget, residentBytes } from './fuzz-target.ts';

const { values } = parseArgs({ options: {
  requests: { type: 'string', default: '5000000' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  connections: { type: 'string', default: '16' }, pipelined: { type: 'string', default: '16' }, 'report-every': { type: 'string', default: '100000' },
} });
const requestCount = Number(values.requests);
const seed = Number(values.seed);
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

console.log(`seed ${seed}, ${requestCount} requests`);
const node = await EmbeddedProcess.start({ SHOAL_LOG_LEVEL: 'error', SHOAL_ENGINE_MEMORY_MB: '256' });
const startedAtMs = Date.now();
const samples: number[] = [];
const onReport = (report: FuzzReport): void => {
  const resident = residentBytes(node.process.pid);
  if (resident !== undefined) samples.push(resident);
  const perSecond = Math.round(report.answered / ((Date.now() - startedAtMs) / 1_000));
  console.log(`${report.answered} answered, ${report.cut} cut off, ${report.faults.length} faults, ${perSecond}/s${resident === undefined ? '' : `, ${mebibytes(resident)}`}`);
  if (!node.process.running) throw new Error(`the node ended:\n${node.process.output}`);
};
try {
  const keys = await prepareTarget(node);
  const report = await runFuzz({
    port: Number(new URL(node.url).port), keys, seed, requestCount, onReport,
    connectionCount: Number(values.connections), pipelined: Number(values.pipelined), reportEvery: Number(values['report-every']),
  });
  console.log([...report.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`).join(', '));
  console.log([...report.codes].sort(([, a], [, b]) => b - a).map(([code, count]) => `${code}: ${count}`).join(', '));
  for (const fault of report.faults) console.log(`FAULT ${fault}`);
  // The first half fills caches and pools; after that the middle of the third quarter and of the last tell whether memory still grows.
  const [third, last] = [0.5, 0.75].map((from) => samples.slice(Math.floor(samples.length * from), Math.floor(samples.length * (from + 0.25))).toSorted((a, b) => a - b));
  const before = third?.[third.length >> 1] ?? 0;
  const after = last?.[last.length >> 1] ?? 0;
  const grew = after > before * 1.1;
  console.log(`memory: ${mebibytes(before)} in the third quarter, ${mebibytes(after)} in the last${grew ? ': GREW' : ''}`);
  const errorLines = node.process.output.split('\n').filter((line) => line.includes('"level":50'));
  if (errorLines.length > 0) console.log(`error lines of the node:\n${errorLines.slice(-5).join('\n')}`);
  process.exitCode = report.faults.length > 0 || grew || errorLines.length > 0 || !node.process.running ? 1 : 0;
} finally {
  await node.close();
}
console.log(process.exitCode === 0 ? 'passed' : 'FAILED');
