import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';

const DIM = 64;
const VECTOR_COUNT = 12_000;
const CLUSTER_COUNT = 60;

let node: EmbeddedProcess;

beforeAll(async () => {
  node = await EmbeddedProcess.start();
});

afterAll(async () => {
  await node?.close();
});

describe('recall', () => {
  it('does not fall while vectors are written, against the flat search of the same moment', async () => {
    const random = seededRandom(suiteSeed('recall-while-writing'));
    const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const centres = Array.from({ length: CLUSTER_COUNT }, () => Float32Array.from({ length: DIM }, () => gauss() * 3));
    const sample = () => {
      const centre = centres[Math.floor(random() * CLUSTER_COUNT)] as Float32Array;
      return centre.map((component) => component + gauss());
    };
    const { handle } = await node.client().register({ model: 'writing', dim: DIM, distance: 'l2' });
    const progress = { done: false };
    const writing = (async () => {
      for (let start = 0; start < VECTOR_COUNT; start += 200) {
        await handle.upsert(Array.from({ length: 200 }, (_, item) => ({ key: `v${start + item}`, values: sample() })), { wait: 'applied' });
      }
      progress.done = true;
    })();
    const recalls: number[] = [];
    let graphSearchCount = 0;
    const counts: number[] = [];
    while (!progress.done) {
      const queries = Array.from({ length: 20 }, sample);
      // Vectors are only added, so a key that is among the ten nearest before and after was so at the moment of the graph's search.
      const before = await handle.searchMany({ vectors: queries, k: 10, path: 'flat' });
      const graph = await handle.searchMany({ vectors: queries, k: 10, ef: 100, path: 'exact' });
      const after = await handle.searchMany({ vectors: queries, k: 10, path: 'flat' });
      if (graph.path === 'exact') graphSearchCount += queries.length;
      for (const [index, hits] of graph.results.entries()) {
        const found = new Set(hits.map((hit) => hit.key));
        const stable = (after.results[index] ?? []).filter((hit) => (before.results[index] ?? []).some((other) => other.key === hit.key));
        if (stable.length === 0) continue;
        recalls.push(stable.filter((hit) => found.has(hit.key)).length / stable.length);
      }
      counts.push((await handle.describe()).stats.vectorCount);
    }
    await writing;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const half = Math.floor(recalls.length / 2);
    console.log(`recall@10 while writing: first half ${mean(recalls.slice(0, half)).toFixed(4)}, second half ${mean(recalls.slice(half)).toFixed(4)}, ${recalls.length} searches, up to ${counts.at(-1)} vectors`);
    expect(recalls.length).toBeGreaterThan(40);
    // The first thousand vectors are scanned; what is measured here is the graph.
    expect(graphSearchCount).toBeGreaterThan(recalls.length / 2);
    expect(mean(recalls.slice(0, half))).toBeGreaterThan(0.98);
    expect(mean(recalls.slice(half))).toBeGreaterThan(0.98);
    const queries = Array.from({ length: 100 }, sample);
    const graph = await handle.searchMany({ vectors: queries, k: 10, ef: 100, path: 'exact' });
    const truth = await handle.searchMany({ vectors: queries, k: 10, path: 'flat' });
    const settled = graph.results.map((hits, index) => {
      const found = new Set(hits.map((hit) => hit.key));
      return (truth.results[index] ?? []).filter((hit) => found.has(hit.key)).length / 10;
    });
    expect(mean(settled)).toBeGreaterThan(0.98);
  });
});
