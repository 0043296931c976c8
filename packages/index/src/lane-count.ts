import { MAX_LANES, PAGE_BYTES } from '@shoal/kernel';
import type { Kernel } from '@shoal/kernel';
import { LANES_MEMORY_SHARE } from './limits.ts';

/** Searches that each of so many threads walks in step: as many as there may be, or one where their areas would take too much of the memory. */
export function laneCount(kernel: Kernel, pageLimit: number, threadCount: number): number {
  return threadCount * kernel.scratchBytes(MAX_LANES) <= pageLimit * PAGE_BYTES * LANES_MEMORY_SHARE ? MAX_LANES : 1;
}
