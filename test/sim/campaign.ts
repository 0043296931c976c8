/** Many seeds of the simulation, and every planted fault. Ends with 1 at the first contradiction in a seed without one. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLANTED_FAULTS } from './planted-faults.ts';
import { simulate } from './sim-run.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '500' }, from: { type: 'string', default: '1' }, planted: { type: 'boolean', default: true } }, allowNegative: true });
const [from, seeds] = [Number(values.from), Number(values.seeds)];
const SEEDS_PER_FAULT = 200;
/** So many seeds share a process: what killed processes of a cluster still listen to stays in memory until then. */
const SEEDS_PER_PROCESS = 100;

async function runSeeds(): Promise<boolean> {
  const total = { acknowledged: 0, failed: 0, reads: 0, failedReads: 0, faults: 0, trimmedSlots: 0 };
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = await simulate(seed);
    const findings = [...result.contradictions, ...result.alarms];
    if (findings.length > 0) {
      console.error(`seed ${seed}:\n  ${findings.join('\n  ')}`);
      return false;
    }
    total.acknowledged += result.acknowledged;
    total.failed += result.failed;
    total.reads += result.reads;
    total.failedReads += result.failedReads;
    total.trimmedSlots += result.trimmedSlots;
    total.faults += Object.values(result.faults).reduce((sum, count) => sum + count, 0);
    if (seed === from + seeds - 1) {
      console.log(`seeds ${from} to ${seed}: ${total.acknowledged} writes acknowledged, ${total.failed} failed; ${total.reads} reads compared, ${total.failedReads} failed; ${total.faults} faults, ${total.trimmedSlots} logs trimmed`);
    }
  }
  return true;
}

function runProcesses(): boolean {
  for (let first = from; first < from + seeds; first += SEEDS_PER_PROCESS) {
    const count = Math.min(SEEDS_PER_PROCESS, from + seeds - first);
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--from', String(first), '--seeds', String(count), '--no-planted'], { stdio: 'inherit' });
    if (status !== 0) return false;
  }
  return true;
}

async function runPlanted(): Promise<boolean> {
  let all = true;
  for (const [name, planted] of Object.entries(PLANTED_FAULTS)) {
    let noticed: string | undefined;
    for (let seed = from; seed < from + SEEDS_PER_FAULT && noticed === undefined; seed += 1) {
      const { contradictions, alarms } = await simulate(seed, planted);
      if (contradictions[0] !== undefined) noticed = `seed ${seed}, at ${contradictions[0]}`;
      else if (alarms[0] !== undefined) noticed = `seed ${seed}, by a shard: ${alarms[0]}`;
    }
    console.log(`${name} -> ${noticed ?? 'NOT NOTICED'}`);
    all &&= noticed !== undefined;
  }
  return all;
}

const passed = (seeds > SEEDS_PER_PROCESS ? runProcesses() : await runSeeds()) && (!values.planted || (await runPlanted()));
process.exit(passed ? 0 : 1);
