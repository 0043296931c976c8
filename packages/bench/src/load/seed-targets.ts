import type { PresetName } from './bench-config.ts';

export interface SeedTarget {
  readonly insertsPerSecond: number;
  readonly searchesPerSecond: number;
  readonly insertP99Ms: number;
  readonly searchP99Ms: number;
}

/** What the system that Shoal takes over from aimed at, on 100K x 128, M=16, ef=100. */
export const SEED_TARGETS: Readonly<Record<PresetName, SeedTarget>> = {
  'read-heavy': { insertsPerSecond: 500, searchesPerSecond: 2_000, insertP99Ms: 50, searchP99Ms: 20 },
  'write-heavy': { insertsPerSecond: 2_000, searchesPerSecond: 200, insertP99Ms: 50, searchP99Ms: 50 },
  balanced: { insertsPerSecond: 1_000, searchesPerSecond: 1_000, insertP99Ms: 50, searchP99Ms: 30 },
  stress: { insertsPerSecond: 500, searchesPerSecond: 500, insertP99Ms: 100, searchP99Ms: 50 },
};
