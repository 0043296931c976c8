import { describe, expect, it } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';

const SHAPES = [
  { name: 'laion', model: 'laion-like', dim: 512, distance: 'cosine' },
  { name: 'sift', model: 'sift-like', dim: 128, distance: 'l2' },
  { name: 'bert', model: 'bert-like', dim: 768, distance: 'cosine' },
] as const;
const VECTOR_COUNT = 1_500;
/** One race in twelve met the window in which a claim appears between two reads of it. */
const RACES = 60;

const suite = suiteCluster({ shardCount: 2, gatewayCount: 2 });

describe('three embeddings at once', () => {
  it('have codes of their own, and answers hold only their own vectors', async () => {
    const random = seededRandom(suiteSeed('three-embeddings'));
    const vector = (dim: number) => Float32Array.from({ length: dim }, () => random() * 2 - 1);
    const registered = await Promise.all(SHAPES.map((shape, index) => suite.cluster.client(index % 2).register(shape)));
    expect(new Set(registered.map(({ description }) => description.code)).size).toBe(3);
    await Promise.all(
      registered.map(async ({ handle, description: { dim, name } }, index) => {
        const vectors = Array.from({ length: VECTOR_COUNT }, (_, row) => ({ key: `${name}-${row}`, values: vector(dim) }));
        const { receipt } = await handle.upsert(vectors, { inFlight: 2 });
        const reader = suite.cluster.client((index + 1) % 2).embedding(name);
        for (const path of ['flat', 'exact', 'rabitq', 'auto'] as const) {
          const queries = Array.from({ length: 20 }, () => vector(dim));
          const { results } = await reader.searchMany({ vectors: queries, k: 50, ef: 100, path, after: receipt });
          for (const hits of results) {
            expect(hits.length).toBe(50);
            expect(hits.filter((hit) => !hit.key.startsWith(`${name}-`))).toEqual([]);
          }
        }
        expect((await reader.describe()).stats.vectorCount).toBe(VECTOR_COUNT);
      }),
    );
  });

  it('registered again, also from two gateways at the same moment, return the same code', async () => {
    const first = await suite.cluster.client(0).register(SHAPES[0]);
    const again = await suite.cluster.client(1).register(SHAPES[0]);
    expect(again.description.code).toBe(first.description.code);
    for (let round = 0; round < RACES; round += 1) {
      const shape = { model: `raced ${round}`, dim: 16, distance: 'dot' } as const;
      const raced = await Promise.all(Array.from({ length: 16 }, (_, index) => suite.cluster.client(index % 2).register(shape)));
      expect(new Set(raced.map(({ description }) => description.code)).size).toBe(1);
    }
    const models = (await suite.cluster.client(0).embeddings()).map(({ model }) => model).filter((model) => model.startsWith('raced'));
    expect(new Set(models).size).toBe(RACES);
    expect(models.length).toBe(RACES);
  });

  it('answer with an empty list while they are empty', async () => {
    const { handle } = await suite.cluster.client(0).register({ model: 'empty', dim: 8, distance: 'l2' });
    const { hits } = await handle.search({ vector: new Float32Array(8), k: 10 });
    expect(hits).toEqual([]);
  });
});
