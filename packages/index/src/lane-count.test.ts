import { compileKernel, createMemory, instantiateKernel, MAX_LANES, PAGE_BYTES } from '@shoal/kernel';
import { expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { laneCount } from './lane-count.ts';
import { LANES_MEMORY_SHARE } from './limits.ts';

test('a small memory is not filled with areas for walks in step', async () => {
  const kernel = instantiateKernel(compileKernel(), createMemory(64));
  const pages = Math.ceil(2 * kernel.scratchBytes(MAX_LANES) / LANES_MEMORY_SHARE / PAGE_BYTES);
  expect(laneCount(kernel, pages, 2)).toBe(MAX_LANES);
  expect(laneCount(kernel, pages, 3)).toBe(1);
  const usedBytes = async (memoryMaxBytes: number): Promise<number> => {
    const engine = await Engine.start({ memoryMaxBytes, searchThreadCount: 1 });
    const { usedBytes: used } = engine.stats();
    await engine.close();
    return used;
  };
  expect(await usedBytes(64 << 20) - await usedBytes(32 << 20)).toBeGreaterThan(kernel.scratchBytes(MAX_LANES - 1) - 4096);
});
