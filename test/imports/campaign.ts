/** `npm run campaign:import`: a large import through BullMQ with a worker and a shard killed, Redis and nats-server restarted; fails on any difference. */
import { parseArgs } from 'node:util';
import { FAULTS, WATCHED, runImportCampaign, type Fault } from './import-run.ts';
import { hasGrown, memoryCourses } from './process-memory.ts';

/** Imports of fewer rows are over before everything has warmed up. */
const LEVEL_FROM_ROWS = 1_000_000;
const LEVEL_SHARE = 0.05;

const { values } = parseArgs({ options: {
  rows: { type: 'string', default: '1000000' }, dim: { type: 'string', default: '128' }, shards: { type: 'string', default: '2' },
  bare: { type: 'string', default: '1000000' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) }, minutes: { type: 'string', default: '60' },
  faults: { type: 'string', default: FAULTS.join(',') },
} });

const rows = Number(values.rows);
const wanted = values.faults.split(',').filter((name): name is Fault => FAULTS.some((fault) => fault === name));
console.log(`seed ${values.seed}, ${rows} x ${values.dim}`);
const { status, durationMs, memory, faults, bareRowsPerSecond } = await runImportCampaign({
  rows, dim: Number(values.dim), brokenEvery: 100, seed: Number(values.seed), shards: Number(values.shards),
  faults: wanted.map((fault, index) => [fault, (index + 1) / (wanted.length + 3)] as const),
  bareRows: Number(values.bare), twice: false, timeoutMs: Number(values.minutes) * 60_000, say: console.log,
});
const rate = status.rowsDone / (durationMs / 1_000);
console.log(`${status.accepted} in, ${status.rejected} left out in ${(durationMs / 1_000).toFixed(0)} s, outages included: ${rate.toFixed(0)} rows/s`);
if (bareRowsPerSecond !== undefined) console.log(`bare engine, one thread, ${values.bare} of the rows: ${bareRowsPerSecond.toFixed(0)} rows/s; the import reaches ${(rate / bareRowsPerSecond).toFixed(2)} of it`);
for (const name of WATCHED) {
  const courses = memoryCourses(memory[name], status.rows);
  console.log(`memory of the ${name}, MiB: median in each quarter of the rows, growth per million rows from the second one on`);
  for (const { figure, quartersMib, mibPerMillionRows } of courses) console.log(`  ${figure}: ${quartersMib.join(', ')}; ${mibPerMillionRows}`);
  if (rows >= LEVEL_FROM_ROWS && hasGrown(courses, LEVEL_SHARE)) faults.push(`the memory of the ${name} has grown`);
}
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? 'passed' : 'FAILED');
process.exitCode = faults.length === 0 ? 0 : 1;
