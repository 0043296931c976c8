import type { SearchSettings } from './bench-target.ts';

export const PRESET_NAMES = ['read-heavy', 'write-heavy', 'balanced', 'stress'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Callers and time of a run. */
export interface LoadShape {
  readonly writers: number;
  readonly readers: number;
  readonly seconds: number;
  /** Vectors per write: 1 is one transaction per vector. */
  readonly batchSize: number;
}

/**
 * The mixes of the system that Shoal takes over from. With many writers, a write of more vectors gives more of them per second, and each waits for
 * those before it.
 */
export const PRESETS: Readonly<Record<PresetName, LoadShape>> = {
  'read-heavy': { writers: 1, readers: 8, seconds: 30, batchSize: 4 },
  'write-heavy': { writers: 8, readers: 1, seconds: 30, batchSize: 6 },
  balanced: { writers: 4, readers: 4, seconds: 30, batchSize: 4 },
  stress: { writers: 16, readers: 16, seconds: 60, batchSize: 4 },
};

export interface BenchConfig extends LoadShape {
  readonly preset: PresetName | 'custom';
  /** Load without measuring before the measured time, seconds. */
  readonly warmUpSeconds: number;
  /** Rows in the database before the load begins. */
  readonly rows: number;
  readonly m: number;
  readonly efConstruction: number;
  readonly search: SearchSettings;
  /** Searches begun per second, all readers together. Absent: each reader begins one as soon as the last is answered. */
  readonly searchRate?: number;
  /** Vectors written per second, all writers together. */
  readonly insertRate?: number;
  /** Searches whose answers are compared with the exact ones. */
  readonly recallSamples: number;
  readonly seed: number;
}

export const BENCH_LIMITS = {
  /** Vectors per write while the database is filled, and such writes at once. */
  loadBatchSize: 500,
  loadCallers: 4,
} as const;
