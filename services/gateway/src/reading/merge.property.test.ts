import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseVectorKey, type SearchHit } from '@shoal/protocol';
import { mergeHits } from './merge.ts';

const byDistanceThenKey = (a: SearchHit, b: SearchHit): number => a.distance - b.distance || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Few distinct distances, so that ties are the rule; keys are unique, as those of disjoint partitions are. */
const lists = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 }), { maxLength: 9 }).map((distances) => {
  let count = 0;
  return distances.map((list) => list.map((distance): SearchHit => ({ key: parseVectorKey(`key ${(count++ * 7919) % 1000}-${count}`), distance })).sort((a, b) => a.distance - b.distance));
});

describe('mergeHits', () => {
  it('is the first k of everything sorted by distance, then key', () => {
    fc.assert(fc.property(lists, fc.integer({ min: 1, max: 40 }), (partitions, k) => {
      expect(mergeHits(partitions, k)).toEqual(partitions.flat().sort(byDistanceThenKey).slice(0, k));
    }), { numRuns: 500 });
  });
});
