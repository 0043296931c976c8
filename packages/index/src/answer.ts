import { ANSWER_HEADER_BYTES, PATH_CODES, STRATEGY_CODES } from '@shoal/kernel';
import type { Address } from '@shoal/kernel';
import type { SearchHits } from './search-request.ts';

/** Bytes of an answer to a search for k. */
export function answerBytes(k: number): number {
  return ANSWER_HEADER_BYTES + 8 * k;
}

/** Copies an answer of k places out of shared memory. */
export function readAnswer(u32: Uint32Array, f32: Float32Array, answer: Address, k: number): SearchHits {
  const at = answer / 4;
  const count = u32[at] as number;
  const ids = at + ANSWER_HEADER_BYTES / 4;
  return {
    ids: u32.slice(ids, ids + count),
    distances: f32.slice(ids + k, ids + k + count),
    path: pathOf((u32[at + 1] as number) & 0xff),
    goneCount: 0,
    strategy: strategyOf((u32[at + 1] as number) >>> 8),
    stamp: u32[at + 2] as number,
    distanceComputations: u32[at + 3] as number,
  };
}

function strategyOf(code: number): SearchHits['strategy'] {
  switch (code) {
    case STRATEGY_CODES.scan: return 'scan';
    case STRATEGY_CODES['two-hop']: return 'two-hop';
    case STRATEGY_CODES.gated: return 'gated';
    default: return 'none';
  }
}

function pathOf(code: number): SearchHits['path'] {
  switch (code) {
    case PATH_CODES.exact: return 'exact';
    case PATH_CODES.rabitq: return 'rabitq';
    default: return 'flat';
  }
}
