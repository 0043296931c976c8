import { Document } from '@langchain/core/documents';
import { Embeddings } from '@langchain/core/embeddings';
import { ShoalVectorStore, type ShoalVectorStoreOptions } from '@shoal/langchain';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** How often each letter comes: texts of the same letters are near each other. */
class LetterEmbeddings extends Embeddings {
  constructor() {
    super({});
  }

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    return texts.map((text) => [...LETTERS].map((letter) => text.split(letter).length - 1 + 0.01));
  }

  override async embedQuery(text: string): Promise<number[]> {
    return (await this.embedDocuments([text]))[0] ?? [];
  }
}

let node: EmbeddedProcess;
beforeAll(async () => {
  node = await EmbeddedProcess.start();
});
afterAll(async () => {
  await node?.close();
});

const optionsOf = (name: string, more: Partial<ShoalVectorStoreOptions> = {}): ShoalVectorStoreOptions => ({
  client: { url: node.url, apiKey: node.rootKey }, name, model: name, fields: { year: 'integer', kind: 'keyword' }, ...more,
});
const ANIMALS = ['cat', 'horse', 'cattle', 'goat', 'shore'].map((pageContent, index) => new Document({ id: `d${index}`, pageContent, metadata: { year: 2020 + index, kind: index % 2 === 0 ? 'even' : 'odd' } }));

it('keeps documents and finds them again, whole', async () => {
  const store = await ShoalVectorStore.fromDocuments(ANIMALS, new LetterEmbeddings(), optionsOf('animals'));
  const [nearest] = await store.similaritySearchWithScore('horse', 1);
  expect(nearest?.[0]).toEqual(new Document({ id: 'd1', pageContent: 'horse', metadata: { year: 2021, kind: 'odd' } }));
  expect(nearest?.[1]).toBeCloseTo(1, 5);
  const found = await store.similaritySearchWithScore('cat', 5);
  expect(found.map(([, score]) => score)).toEqual(found.map(([, score]) => score).toSorted((a, b) => b - a));
  expect(found.map(([{ pageContent }]) => pageContent)[0]).toBe('cat');
});

it('filters by metadata, as a retriever too, and deletes by id and by filter', async () => {
  const store = new ShoalVectorStore(new LetterEmbeddings(), optionsOf('filtered', { distance: 'l2' }));
  expect(await store.similaritySearch('horse', 3)).toEqual([]);
  expect(await store.addDocuments(ANIMALS)).toEqual(['d0', 'd1', 'd2', 'd3', 'd4']);
  const retriever = store.asRetriever({ k: 5, filter: { field: 'year', range: { gte: 2022 } } });
  expect((await retriever.invoke('cat')).map(({ id }) => id).sort()).toEqual(['d2', 'd3', 'd4']);
  await store.delete({ ids: ['d2'] });
  expect((await retriever.invoke('cat')).map(({ id }) => id).sort()).toEqual(['d3', 'd4']);
  await store.delete({ filter: { field: 'kind', equals: 'odd' } });
  expect((await store.similaritySearch('cat', 5)).map(({ id }) => id).sort()).toEqual(['d0', 'd4']);
});

it('prefers documents unlike each other where it is asked to', async () => {
  const store = await ShoalVectorStore.fromTexts(['aab', 'aab', 'aab', 'aac'], [{}, {}, {}, {}], new LetterEmbeddings(), optionsOf('varied'));
  const varied = await store.maxMarginalRelevanceSearch('aabb', { k: 2, fetchK: 4, lambda: 0.3 });
  expect(varied.map(({ pageContent }) => pageContent)).toEqual(['aab', 'aac']);
  const ids = await store.addVectors([[...LETTERS].map(() => 1)], [new Document({ pageContent: 'any' })], { ids: ['mine'] });
  expect(ids).toEqual(['mine']);
  await expect(store.addVectors([[1, 2]], [new Document({ pageContent: 'short' })])).rejects.toMatchObject({ code: 'dimension_mismatch' });
});
