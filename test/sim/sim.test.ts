import { describe, expect, it } from 'vitest';
import { suiteSeed } from '../harness/workload.ts';
import { PLANTED_FAULTS } from './planted-faults.ts';
import { simulate } from './sim-run.ts';

const SEEDS = 16;
/** A planted fault needs the right moment: it has so many seeds to meet one. */
const SEEDS_PER_FAULT = 40;

describe('a simulated cluster', () => {
  it('contradicts the reference in no seed, whatever dies', async () => {
    const first = suiteSeed('simulation');
    let faultCount = 0;
    let trimmedSlotCount = 0;
    for (let seed = first; seed < first + SEEDS; seed += 1) {
      const { contradictions, alarms, acknowledged, reads, faults, trimmedSlots } = await simulate(seed);
      expect({ seed, contradictions, alarms }).toEqual({ seed, contradictions: [], alarms: [] });
      expect(acknowledged + reads).toBeGreaterThan(0);
      trimmedSlotCount += trimmedSlots;
      faultCount += Object.values(faults).reduce((sum, count) => sum + count, 0);
    }
    expect(faultCount).toBeGreaterThan(SEEDS);
    // Else snapshots and trimming would not be under test.
    expect(trimmedSlotCount).toBeGreaterThan(0);
  });

  it('has one history per seed', async () => {
    const first = await simulate(7);
    expect(await simulate(7)).toEqual(first);
    expect((await simulate(8)).historyDigest).not.toBe(first.historyDigest);
  });

  it.each(Object.entries(PLANTED_FAULTS))('notices a cluster that %s', async (_name, planted) => {
    let noticed = false;
    for (let seed = 1; seed <= SEEDS_PER_FAULT && !noticed; seed += 1) {
      const { contradictions, alarms } = await simulate(seed, planted);
      noticed = contradictions.length > 0 || alarms.length > 0;
    }
    expect(noticed).toBe(true);
  });
});
