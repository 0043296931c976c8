import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import type { IndexSpec } from './index-spec.ts';
import { oracleDistance } from './test-support/map-oracle.ts';
import { clusteredVectors, uniform } from './test-support/random-vectors.ts';
import type { VectorSource, VectorView } from './vector-source.ts';

const spec: IndexSpec = { dim: 24, distance: 'l2', m: 8, efConstruction: 60, seed: 1, flatThreshold: 300, rabitq: { bits: 8, seed: 2, memory: 'codes' } };
const vectors = clusteredVectors(21, 4_000, spec.dim);

/** Vectors in a Map, read after a while; a view has what was there when it was taken and what came since. */
class SlowVectors implements VectorSource {
  readonly current = new Map<number, Float32Array>();
  readonly #views = new Set<Map<number, Float32Array>>();
  openCount = 0;

  put(id: number, vector: Float32Array): void {
    this.current.set(id, vector);
    for (const view of this.#views) view.set(id, vector);
  }

  view(): VectorView {
    const seen = new Map(this.current);
    this.#views.add(seen);
    this.openCount += 1;
    return {
      read: async (ids) => {
        for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
        return ids.map((id) => seen.get(id));
      },
      close: async () => {
        this.#views.delete(seen);
        this.openCount -= 1;
      },
    };
  }
}

let engine: Engine;
beforeAll(async () => { engine = await Engine.start({ memoryMaxBytes: 128 << 20, searchThreadCount: 2 }); });
afterAll(() => engine.close());

it('needs to know where the vectors are', async () => {
  await expect(engine.openIndex(spec)).rejects.toThrow(/where its vectors are/);
});

it('answers searches of one step, whose walks go in step, as one by one', async () => {
  const source = new SlowVectors();
  const index = await engine.openIndex(spec, source);
  const puts = vectors.slice(0, 2_000).map((vector, id) => ({ type: 'put' as const, id, vector }));
  for (const { id, vector } of puts) source.put(id, vector);
  await index.apply(puts);
  const requests = vectors.slice(3_000, 3_019).map((vector) => ({ vector, k: 10, ef: 30, path: 'rabitq' as const }));
  const together = await Promise.all(requests.map((request) => index.search(request)));
  for (const [i, request] of requests.entries()) expect(together[i]).toEqual(await index.search(request));
  await index.drop();
});

it('never gives a wrong distance or a vector that was not there, while ids pass from vector to vector', async () => {
  const random = uniform(77);
  const source = new SlowVectors();
  const index = await engine.openIndex(spec, source);
  const freed: number[] = [];
  const live: number[] = [];
  let nextVector = 0;
  let nextId = 0;
  /** Each vector that an id had, from its put to after its removal. */
  const lives = new Map<number, { readonly vector: Float32Array; readonly from: number; until: number }[]>();
  let clock = 0;
  const write = async (): Promise<void> => {
    const removed = live.length > 500 ? live.splice(0, 20) : [];
    const puts = Array.from({ length: 30 }, () => {
      const id = freed.shift() ?? nextId++;
      return { id, vector: vectors[nextVector++ % vectors.length] as Float32Array };
    });
    for (const { id, vector } of puts) lives.set(id, [...(lives.get(id) ?? []), { vector, from: ++clock, until: Infinity }]);
    // As in a shard, no id gets another vector while a search could still name it.
    if (puts.some(({ id }) => source.current.has(id) || id < nextId - 30)) await index.quiesce();
    for (const { id, vector } of puts) source.put(id, vector);
    await index.apply([...removed.map((id) => ({ type: 'remove' as const, id })), ...puts.map((put) => ({ type: 'put' as const, ...put }))]);
    for (const id of removed) {
      source.current.delete(id);
      const last = lives.get(id)?.at(-1);
      if (last !== undefined) last.until = ++clock;
    }
    live.push(...puts.map(({ id }) => id));
    freed.push(...removed);
  };
  const writing = new AbortController();
  let searchCount = 0;
  const search = async (): Promise<void> => {
    while (!writing.signal.aborted) {
      const began = clock;
      const vector = vectors[Math.floor(random() * vectors.length)] as Float32Array;
      const hits = await index.search({ vector, k: 10, ef: 50, path: random() < 0.2 ? 'flat' : 'auto' });
      expect(hits.goneCount).toBe(0);
      hits.ids.forEach((id, i) => {
        const fits = (lives.get(id) ?? []).filter(({ until }) => until > began).some((life) => Math.abs(oracleDistance('l2', vector, life.vector) - (hits.distances[i] as number)) < 1e-4);
        expect(fits, `id ${id}`).toBe(true);
      });
      searchCount += 1;
    }
  };
  await write();
  const searching = Promise.all(Array.from({ length: 6 }, search));
  for (let round = 0; round < 80; round += 1) await write();
  writing.abort();
  await searching;
  expect(searchCount).toBeGreaterThan(20);
  expect(source.openCount).toBe(0);
  expect(index.stats().vectorCount).toBe(live.length);
  await index.drop();
});
