/** `npm run campaign:chaos`: a cluster under load whose processes are killed and stopped; fails when anything acknowledged is lost, doubled, brought back or read wrongly. */
import { parseArgs } from 'node:util';
import { describe, violations } from './chaos-report.ts';
import { runChaos } from './chaos-run.ts';

const { values } = parseArgs({ options: {
  faults: { type: 'string', default: '100' }, vectors: { type: 'string', default: '100000' }, dim: { type: 'string', default: '32' }, partitions: { type: 'string', default: '8' },
  writers: { type: 'string', default: '4' }, searchers: { type: 'string', default: '4' }, searched: { type: 'string', default: '2000' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) }, placement: { type: 'string', default: 'placed' },
} });

console.log(`seed ${values.seed}, slots ${values.placement}: ${values.faults} faults, ${values.vectors} vectors of ${values.dim} components`);
const report = await runChaos({
  seed: Number(values.seed), placement: values.placement === 'fixed' ? 'fixed' : 'placed', faultCount: Number(values.faults), vectorCount: Number(values.vectors), dim: Number(values.dim), partitions: Number(values.partitions),
  writers: Number(values.writers), searchers: Number(values.searchers), searchedKeys: Number(values.searched), onProgress: console.log,
});
for (const line of describe(report)) console.log(line);
const found = violations(report);
for (const violation of found) console.log(`VIOLATION ${violation}`);
console.log(found.length === 0 ? 'passed: nothing acknowledged was lost, doubled, brought back or read wrongly' : 'FAILED');
process.exitCode = found.length === 0 ? 0 : 1;
