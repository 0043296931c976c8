// A search's filter, in the bytes that the kernel reads (`kernel/assembly/filter.ts`).

import { FILTER_HEADER_BYTES, STRATEGY_CODES } from '@shoal/kernel';
import type { Address } from '@shoal/kernel';
import type { IdFilter } from './search-request.ts';

/** Above every stamp. */
const NEWEST = 0xffff_ffff;

/** Bytes of a filter in shared memory. */
export function filterBytes(filter: IdFilter): number {
  return FILTER_HEADER_BYTES + 4 * filter.allowed.length;
}

export function writeFilter(u32: Uint32Array, at: Address, filter: IdFilter): void {
  u32[at / 4] = filter.allowed.length;
  u32[at / 4 + 1] = STRATEGY_CODES[filter.strategy ?? 'none'];
  u32[at / 4 + 2] = filter.stamp ?? NEWEST;
  u32.set(filter.allowed, (at + FILTER_HEADER_BYTES) / 4);
}
