import { expect, test } from 'vitest';
import { ANSWER_HEADER_BYTES, compileKernel, createMemory, DISTANCE_CODES, instantiateKernel, PATH_CODES } from './kernel.ts';

const SEED = 20240501;
const VECTOR_COUNT = 7;

/** Deterministic components in [-1, 1). */
function source(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function dotOf(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

const references = {
  cosine: (a: Float32Array, b: Float32Array) => 1 - dotOf(a, b) / Math.sqrt(dotOf(a, a) * dotOf(b, b)),
  l2: (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, i) => x - (b[i] as number))),
  dot: (a: Float32Array, b: Float32Array) => -dotOf(a, b),
};

/** Distances of a query to vectors, by id, as the kernel's scan gives them. */
function kernelDistances(distance: keyof typeof references, query: Float32Array, vectors: Float32Array[]): Map<number, number> {
  const memory = createMemory(256);
  const kernel = instantiateKernel(compileKernel(), memory);
  kernel.initEngine(256);
  const scratch = kernel.allocateScratch(1);
  const span = kernel.allocateSpan(query.byteLength + 1024);
  const index = kernel.createIndex(query.length, DISTANCE_CODES[distance], 8, 20, 1, 100, 0, 0, 0);
  vectors.forEach((vector, id) => {
    new Uint32Array(memory.buffer)[span / 4] = id;
    expect(kernel.reserve(index, span, 1, 1)).toBe(1);
    new Float32Array(memory.buffer).set(vector, span / 4);
    kernel.put(scratch, index, id, span);
  });
  kernel.publish(index);
  new Float32Array(memory.buffer).set(query, span / 4);
  const answer = span + query.byteLength;
  const k = vectors.length;
  expect(kernel.search(scratch, index, span, k, 1, PATH_CODES.flat, 0, 0, answer)).toBe(k);
  const ids = new Uint32Array(memory.buffer, answer + ANSWER_HEADER_BYTES, k);
  const distances = new Float32Array(memory.buffer, answer + ANSWER_HEADER_BYTES + 4 * k, k);
  return new Map(Array.from(ids, (id, i) => [id, distances[i] as number]));
}

const dims = [...Array.from({ length: 130 }, (_, i) => i + 1), 768, 8192];

test.each(['cosine', 'l2', 'dot'] as const)('%s agrees with double precision in every dimension', (distance) => {
  for (const dim of dims) {
    const next = source(SEED + dim);
    const vectors = Array.from({ length: VECTOR_COUNT }, () => Float32Array.from({ length: dim }, next));
    const query = Float32Array.from({ length: dim }, next);
    const got = kernelDistances(distance, query, vectors);
    vectors.forEach((vector, id) => {
      const want = references[distance](query, vector);
      const scale = distance === 'cosine' ? 1 : Math.sqrt(dotOf(query, query) * dotOf(vector, vector));
      const tolerance = 2e-6 * Math.max(1e-3, scale);
      expect(Math.abs((got.get(id) as number) - want), `dim ${dim}, seed ${SEED}, id ${id}`).toBeLessThan(tolerance);
    });
  }
});

test('a zero vector has cosine distance 1 and an equal vector distance 0', () => {
  const one = Float32Array.of(3, 4, 0);
  const got = kernelDistances('cosine', one, [new Float32Array(3), Float32Array.of(6, 8, 0)]);
  expect(got.get(0)).toBe(1);
  expect(got.get(1)).toBeCloseTo(0, 6);
});
