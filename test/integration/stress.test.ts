import { describe, expect, it } from 'vitest';
import type { EmbeddingHandle } from '@shoal/client';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { CLEAN_AUDIT, Ledger, audit, deleteKeys, l2, mergeReceipt, seededRandom, suiteSeed, upsertVersion, vectorOf } from '../harness/workload.ts';

const DIM = 64;
const SCENARIOS = [
  { name: '2 inserting and 2 searching clients', writers: 2, searchers: 2, batch: 1, writes: 150, embeddings: 2 },
  { name: '4 batch inserters', writers: 4, searchers: 0, batch: 100, writes: 15, embeddings: 4 },
  { name: '8 writers and 8 searchers', writers: 8, searchers: 8, batch: 10, writes: 30, embeddings: 4 },
  { name: '8 writers on one embedding', writers: 8, searchers: 2, batch: 5, writes: 50, embeddings: 1 },
] as const;
type Scenario = (typeof SCENARIOS)[number];

const suite = suiteCluster({ shardCount: 2, gatewayCount: 2 });
const seed = suiteSeed('stress');

interface Space {
  readonly name: string;
  readonly ledger: Ledger;
  /** Everything acknowledged so far. */
  readonly receipt: Record<string, number>;
}

/** Inserts new keys, and now and then replaces or deletes a batch of its own earlier ones. */
async function write(handle: EmbeddingHandle, space: Space, writer: number, { batch, writes }: Scenario): Promise<void> {
  const random = seededRandom(seed + writer);
  const keysOf = (index: number) => Array.from({ length: batch }, (_, item) => `w${writer}-b${index}-${item}`);
  for (let index = 0; index < writes; index += 1) {
    mergeReceipt(space.receipt, await upsertVersion(handle, space.ledger, keysOf(index), 1, random() < 0.5 ? 'applied' : 'logged'));
    const earlier = keysOf(Math.floor(random() * index));
    const choice = random();
    if (index === 0 || choice > 0.3) continue;
    if (choice < 0.15) mergeReceipt(space.receipt, await deleteKeys(handle, space.ledger, earlier, 'logged'));
    else mergeReceipt(space.receipt, await upsertVersion(handle, space.ledger, earlier, index + 2, 'applied'));
  }
}

/** Searches until the writers are done; every hit must be a version that the ledger allows, at its true distance. */
async function searchAndCheck(handle: EmbeddingHandle, space: Space, searcher: number, done: () => boolean): Promise<number> {
  const random = seededRandom(seed + 1_000 + searcher);
  let searchCount = 0;
  while (!done() || searchCount === 0) {
    const { moment } = space.ledger;
    const liveCount = space.ledger.certain().live.size;
    const vector = vectorOf(`query-${Math.floor(random() * 1e6)}`, 0, DIM);
    const { hits } = await handle.search({ vector, k: 20, ef: 100, path: random() < 0.5 ? 'exact' : 'flat', after: { ...space.receipt }, include: ['payload'] });
    searchCount += 1;
    expect(new Set(hits.map((hit) => hit.key)).size).toBe(hits.length);
    for (const hit of hits) {
      const version = hit.payload?.['version'] as number;
      expect(space.ledger.mayReturn(hit.key, version, moment), `${hit.key} version ${version}`).toBe(true);
      expect(hit.distance).toBeCloseTo(l2(vector, vectorOf(hit.key, version, DIM)), 3);
    }
    // A batch of deletions may be under way; beyond it there are enough live vectors to fill an answer.
    if (liveCount >= 20 + 8 * 100) expect(hits.length).toBe(20);
  }
  return searchCount;
}

describe('stress', () => {
  for (const scenario of SCENARIOS) {
    it(`${scenario.name}: no error, nothing lost, no phantom`, async () => {
      const spaces: Space[] = [];
      for (let index = 0; index < scenario.embeddings; index += 1) {
        const { handle } = await suite.cluster.client().register({ model: `${scenario.name} ${index}`, dim: DIM, distance: 'l2' });
        spaces.push({ name: handle.name, ledger: new Ledger(DIM), receipt: {} });
      }
      const spaceOf = (index: number): Space => spaces[index % spaces.length] as Space;
      let writersLeft: number = scenario.writers;
      const writing = Array.from({ length: scenario.writers }, async (_, writer) => {
        const space = spaceOf(writer);
        // Without retries an error is an error.
        await write(suite.cluster.client(writer % 2, { retries: 0 }).embedding(space.name), space, writer, scenario).finally(() => {
          writersLeft -= 1;
        });
      });
      const searching = Array.from({ length: scenario.searchers }, (_, searcher) => {
        const space = spaceOf(searcher);
        return searchAndCheck(suite.cluster.client((searcher + 1) % 2, { retries: 0 }).embedding(space.name), space, searcher, () => writersLeft === 0);
      });
      await Promise.all([...writing, ...searching]);
      for (const space of spaces) {
        const handle = suite.cluster.client(1).embedding(space.name);
        expect(await audit(handle, space.ledger, space.receipt)).toEqual(CLEAN_AUDIT);
        expect((await handle.describe()).stats.vectorCount).toBe(space.ledger.certain().live.size);
      }
    });
  }
});
