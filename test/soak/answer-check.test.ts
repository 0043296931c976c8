import type { SearchHits, SearchRequest, VectorIndex } from '@shoal/index';
import { describe, expect, it } from 'vitest';
import { completenessOf, euclidean, faultsOf } from './answer-check.ts';
import { LifeRecord } from './life-record.ts';
import { runSoak } from './soak-run.ts';

const COUNT = 20;
const request: SearchRequest = { vector: Float32Array.of(0, 0), k: 5, ef: 10, path: 'flat' };
const DISPATCHED = 3;
const STAMP = 5;

/** Ids 0 to 19, id n at distance n of the query; 3 is replaced by a far vector and 4 dies at stamp 6, after the answer; 100 died before it, 101 comes after it. */
function recordOf(): LifeRecord {
  const record = new LifeRecord();
  for (let id = 0; id < COUNT; id++) record.begin(id, Float32Array.of(id, 0), 1);
  record.begin(100, Float32Array.of(0.5, 0), 1);
  record.end(100, 4);
  record.end(3, 6);
  record.begin(3, Float32Array.of(0, 1000), 6);
  record.end(4, 6);
  record.begin(101, Float32Array.of(1.5, 0), 6);
  return record;
}

const answerOf = (ids: readonly number[], distances: readonly number[] = ids): SearchHits => (
  { ids: Uint32Array.from(ids), distances: Float32Array.from(distances), path: 'flat', strategy: 'none', goneCount: 0, distanceComputations: 1, stamp: STAMP });
const RIGHT = answerOf([0, 1, 2, 3, 4]);

describe('the checks of an answer', () => {
  it('have nothing against the right one', () => {
    expect(faultsOf(request, RIGHT, recordOf(), DISPATCHED)).toEqual([]);
    expect(completenessOf(request, RIGHT, recordOf())).toEqual({ faults: [], recall: 1 });
  });

  it('have nothing against an answer without results where nothing lived yet', () => {
    const empty = { ...answerOf([]), stamp: 0 };
    expect(completenessOf(request, empty, recordOf())).toEqual({ faults: [], recall: 1 });
  });

  it.each<[string, SearchHits, RegExp]>([
    ['a phantom that never lived', answerOf([0, 1, 2, 3, 77], [0, 1, 2, 3, 4]), /phantom 77/],
    ['a phantom that had died', answerOf([0, 100, 1, 2, 3], [0, 0.5, 1, 2, 3]), /phantom 100/],
    ['a phantom that was not born yet', answerOf([0, 1, 101, 2, 3], [0, 1, 1.5, 2, 3]), /phantom 101/],
    ['a wrong distance', answerOf([0, 1, 2, 3, 4], [0, 1, 2, 3, 4.01]), /distance 4.01.* of 4 should be 4/],
    ['a distance that is no number', answerOf([0, 1, 2, 3, 4], [0, 1, 2, 3, Number.NaN]), /distance NaN of 4/],
    ['the distance of an id\'s next life', answerOf([0, 1, 2, 4, 3], [0, 1, 2, 4, 1000]), /distance 1000 of 3 should be 3/],
    ['a torn vector, half of one life and half of the next', answerOf([0, 1, 2, 4, 3], [0, 1, 2, 4, euclidean(request.vector, Float32Array.of(3, 1000))]), /of 3 should be 3/],
    ['an id twice', answerOf([0, 1, 1, 2, 3]), /id twice/],
    ['a wrong order', answerOf([0, 2, 1, 3, 4]), /wrong order: rank 2/],
    ['more than was asked for', answerOf([0, 1, 2, 3, 4, 5]), /6 ids .* 5 nearest/],
    ['an id without a distance', answerOf([0, 1, 2, 3, 4], [0, 1, 2, 3]), /5 ids and 4 distances/],
    ['an answer from before the search', { ...RIGHT, stamp: DISPATCHED - 1 }, /stamp 2 to a search that began at 3/],
    ['an answer from the future', { ...RIGHT, stamp: 7 }, /stamp 7 when the newest group is 6/],
  ])('report %s', (_, broken, fault) => {
    const faults = faultsOf(request, broken, recordOf(), DISPATCHED);
    expect(faults.some((each) => fault.test(each)), faults.join('\n')).toBe(true);
  });

  it.each<[string, SearchHits, RegExp]>([
    ['a live vector missing, another in its place', answerOf([0, 1, 2, 4, 5]), /a scan missed/],
    ['a live vector missing, nothing in its place', answerOf([0, 1, 2, 4]), /4 results where 5 live/],
  ])('report %s', (_, broken, fault) => {
    expect(faultsOf(request, broken, recordOf(), DISPATCHED)).toEqual([]);
    const { faults, recall } = completenessOf(request, broken, recordOf());
    expect(faults.some((each) => fault.test(each)), faults.join('\n')).toBe(true);
    expect(recall).toBe(0.8);
  });
});

/** An index whose answers of at least two results are broken before anybody sees them. */
function breaking(index: VectorIndex, broken: (hits: SearchHits) => SearchHits): VectorIndex {
  const seen = (hits: SearchHits): SearchHits => (hits.ids.length < 2 ? hits : broken(hits));
  return {
    apply: (ops) => index.apply(ops), search: async (asked) => seen(await index.search(asked)),
    searchMany: async (queries, settings) => (await index.searchMany(queries, settings)).map(seen), quiesce: () => index.quiesce(),
    publishedStamp: () => index.publishedStamp(), stats: () => index.stats(), has: (id) => index.has(id),
    exportTo: (path, signal) => index.exportTo(path, signal), drop: () => index.drop(),
  };
}

describe('a soak', () => {
  it.each<[string, (hits: SearchHits) => SearchHits, RegExp]>([
    ['a phantom', (hits) => ({ ...hits, ids: hits.ids.with(1, 999_999) }), /phantom/],
    ['a wrong distance', (hits) => ({ ...hits, distances: hits.distances.with(hits.distances.length - 1, (hits.distances.at(-1) ?? 0) + 0.001) }), /should be/],
    ['an id twice', (hits) => ({ ...hits, ids: hits.ids.with(1, hits.ids[0] ?? 0) }), /id twice|should be/],
    ['a wrong order', (hits) => ({ ...hits, ids: hits.ids.toReversed(), distances: hits.distances.toReversed() }), /wrong order/],
    ['a live vector missing', (hits) => ({ ...hits, ids: hits.ids.subarray(1), distances: hits.distances.subarray(1) }), /results where|missed/],
  ])('ends at once with %s', async (_, broken, fault) => {
    const report = await runSoak({
      idCount: 500, dim: 8, bits: 8, seed: 7, readerCount: 2, searchThreadCount: 1, durationMs: 60_000, pauseMs: 1, faultCountMax: 1,
      replaceIndex: (index) => breaking(index, broken), reportEveryMs: 1_000_000, onReport: () => undefined });
    expect(report.faults).toEqual([expect.stringMatching(fault)]);
  });
});
