import { PRESETS, PRESET_NAMES } from '@shoal/bench/load';
import { expect, it } from 'vitest';
import { configOf, type BenchCommandOptions } from './bench.ts';

const options: BenchCommandOptions = {
  preset: 'read-heavy', engine: false, warmUp: 3, rows: 1_000, dim: 8, k: 10, ef: 100, m: 16, efConstruction: 200, recallSamples: 10, seed: 1, sweepSeconds: 1,
};
const presets = { PRESETS, PRESET_NAMES };

it('takes writers, readers, seconds and vectors per write from the preset, and from the options where they say otherwise', () => {
  expect(configOf({ ...options, preset: 'stress' }, presets)).toMatchObject(PRESETS.stress);
  expect(configOf({ ...options, writers: 0, seconds: 2, batchSize: 1 }, presets)).toMatchObject({ writers: 0, readers: 8, seconds: 2, batchSize: 1 });
  expect(configOf({ ...options, preset: 'custom', writers: 1, readers: 1, seconds: 1 }, presets)).toMatchObject({ batchSize: 16 });
});

it('refuses an unknown preset, a custom load without its shape, and a load without callers', () => {
  expect(() => configOf({ ...options, preset: 'fast' }, presets)).toThrow(expect.objectContaining({ code: 'invalid_field', field: 'preset' }));
  expect(() => configOf({ ...options, preset: 'custom', writers: 1 }, presets)).toThrow(expect.objectContaining({ code: 'missing_field', field: 'readers' }));
  expect(() => configOf({ ...options, writers: 0, readers: 0 }, presets)).toThrow(expect.objectContaining({ code: 'invalid_field' }));
});

it('fills in all vectors of a dataset, unless the options say how many, and 100,000 where there is none', () => {
  const { rows: _rows, ...unsaid } = options;
  expect(configOf(unsaid, presets).rows).toBe(100_000);
  expect(configOf(unsaid, presets, 5_000).rows).toBe(5_000);
  expect(configOf(options, presets, 5_000).rows).toBe(1_000);
});
