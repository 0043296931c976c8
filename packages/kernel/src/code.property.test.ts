import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileKernel, createMemory, DISTANCE_CODES, instantiateKernel } from './kernel.ts';
import type { Address } from './kernel.ts';

const module = compileKernel();
const PAGE_LIMIT = 2048;
const memory = createMemory(PAGE_LIMIT);
const kernel = instantiateKernel(module, memory);
kernel.initEngine(PAGE_LIMIT);
const scratch = kernel.allocateScratch(1) >>> 0;
const staging = kernel.allocateSpan(4 * 8192 + 64) >>> 0;
const out = kernel.allocateSpan(64) >>> 0;

type Distance = keyof typeof DISTANCE_CODES;
const DISTANCES: readonly Distance[] = ['cosine', 'l2', 'dot'];
const BITS = [1, 2, 4, 8] as const;
const CENTRED_FROM = 70;
/** Below it all estimates of an index depend on a rotation of a few numbers, so that they err together: of 300 indexes the worst had 0.80 within, above it 0.92. */
const FEW_DIMENSIONS = 17;

/** Uniform numbers in [0, 1) from a seed (Mulberry32). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Vectors that are nothing like their rotations: a common offset, some components far larger than the rest, many zeros. */
function unevenVectors(seed: number, count: number, dim: number): Float32Array[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: dim }, (_, i) => (
    next() < 0.3 ? 0 : (next() - 0.3) * (i % 7 === 0 ? 20 : 1))));
}

function dotOf(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

function normalised(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dotOf(vector, vector));
  return vector.map((x) => (norm > 0 ? x / norm : 0));
}

/** What the kernel estimates, in double precision: squared for l2. */
function exactOf(distance: Distance, query: Float32Array, vector: Float32Array): number {
  if (distance === 'l2') return query.reduce((sum, x, i) => sum + (x - (vector[i] as number)) ** 2, 0);
  return distance === 'dot' ? -dotOf(query, vector) : -dotOf(query, normalised(vector));
}

function openIndex(distance: Distance, bits: number, seed: number, vectors: readonly Float32Array[]): Address {
  const dim = (vectors[0] as Float32Array).length;
  // Enough vectors to have a centre make the graph start late; each put then links eight.
  const flatThreshold = vectors.length > CENTRED_FROM ? CENTRED_FROM : 0;
  const index = kernel.createIndex(dim, DISTANCE_CODES[distance], 4, 8, 1, flatThreshold, bits, seed, 0) >>> 0;
  vectors.forEach((vector, id) => {
    new Uint32Array(memory.buffer)[staging / 4] = id;
    expect(kernel.reserve(index, staging, 1, 1)).toBe(1);
    new Float32Array(memory.buffer).set(vector, staging / 4);
    kernel.put(scratch, index, id, staging);
  });
  kernel.publish(index);
  expect(kernel.graphReady(index)).toBe(1);
  return index;
}

function estimateOf(index: Address, query: Float32Array, id: number): { readonly distance: number; readonly bound: number } {
  const floats = new Float32Array(memory.buffer);
  floats.fill(0, staging / 4, staging / 4 + query.length + 4);
  floats.set(query, staging / 4);
  kernel.estimate(scratch, index, staging, id, out);
  const [distance, bound] = new Float64Array(memory.buffer, out, 2) as unknown as [number, number];
  return { distance, bound };
}

/** What single precision alone may cost. */
function rounding(distance: Distance, a: Float32Array, b: Float32Array): number {
  return 4e-6 * (distance === 'cosine' ? 1 : dotOf(a, a) + dotOf(b, b) + 1e-6);
}

test('a rotation keeps lengths and inner products in any dimension, and differs by seed', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 8192 }), fc.nat(), (dim, seed) => {
    const [a, b] = unevenVectors(seed, 2, dim) as [Float32Array, Float32Array];
    const rotated = (vector: Float32Array, by: number): Float32Array => {
      new Float32Array(memory.buffer).set(vector, staging / 4);
      kernel.rotate(staging, dim, by);
      return new Float32Array(memory.buffer).slice(staging / 4, staging / 4 + dim);
    };
    const scale = dotOf(a, a) + dotOf(b, b) + 1e-9;
    expect(Math.abs(dotOf(rotated(a, seed), rotated(b, seed)) - dotOf(a, b)) / scale).toBeLessThan(1e-5);
    expect(Math.abs(dotOf(rotated(a, seed), rotated(a, seed)) - dotOf(a, a)) / scale).toBeLessThan(1e-5);
    if (dim > 32) expect(rotated(a, seed)).not.toEqual(rotated(a, seed + 1));
  }), { numRuns: 60 });
});

test.each(DISTANCES.flatMap((distance) => BITS.map((bits) => [distance, bits] as const)))(
  '%s, %i bits: over rotations the estimate has no bias', (distance, bits) => {
    for (const dim of [24, 100, 128]) {
      const [vector, other] = unevenVectors(dim, 2, dim) as [Float32Array, Float32Array];
      const query = distance === 'cosine' ? normalised(other) : other;
      const errors = Array.from({ length: 600 }, (_, seed) => {
        const index = openIndex(distance, bits, seed, [vector]);
        const { distance: estimated } = estimateOf(index, query, 0);
        kernel.dropIndex(index);
        return estimated - exactOf(distance, query, vector);
      });
      const mean = errors.reduce((sum, x) => sum + x, 0) / errors.length;
      const deviation = Math.sqrt(errors.reduce((sum, x) => sum + (x - mean) ** 2, 0) / errors.length);
      expect(Math.abs(mean) / (deviation / Math.sqrt(errors.length)), `dim ${dim}`).toBeLessThan(4);
    }
  });

/** Shares of estimates within their bound, and the root mean square of their error by the scale of the distance. */
function accuracy(distance: Distance, bits: number, dim: number, seed: number, count = 90): { readonly within: number; readonly error: number } {
  const vectors = unevenVectors(seed, count, dim);
  const queries = unevenVectors(seed + 1, 12, dim).map((query) => (distance === 'cosine' ? normalised(query) : query));
  const index = openIndex(distance, bits, seed, vectors);
  let within = 0;
  let squares = 0;
  for (const query of queries) {
    vectors.forEach((vector, id) => {
      const { distance: estimated, bound } = estimateOf(index, query, id);
      const error = Math.abs(estimated - exactOf(distance, query, vector));
      if (error <= bound + rounding(distance, query, vector)) within++;
      const scale = distance === 'cosine' ? 1 : Math.sqrt(dotOf(query, query) * dotOf(vector, vector)) + 1e-9;
      squares += (error / scale) ** 2;
    });
  }
  kernel.dropIndex(index);
  const pairs = vectors.length * queries.length;
  return { within: within / pairs, error: Math.sqrt(squares / pairs) };
}

test.each(DISTANCES)('%s: errors stay within 1.9 deviations as often as normal ones, in any dimension and for all bits', (distance) => {
  const rates: number[] = [];
  const dims = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 65, max: 1024 }), fc.constantFrom(768, 1536));
  fc.assert(fc.property(dims, fc.constantFrom(...BITS), fc.nat(1e6), fc.constantFrom(60, 90), (dim, bits, seed, count) => {
    const { within } = accuracy(distance, bits, dim, seed, count);
    rates.push(within);
    expect(within).toBeGreaterThan(dim < FEW_DIMENSIONS ? 0.7 : 0.88);
  }), { numRuns: 60 });
  expect(rates.reduce((sum, rate) => sum + rate, 0) / rates.length).toBeGreaterThan(0.94);
});

test.each([128, 768, 8192])('every bit makes the error smaller at %i dimensions, to nothing that matters at eight', (dim) => {
  for (const distance of DISTANCES) {
    const errors = BITS.map((bits) => accuracy(distance, bits, dim, dim).error);
    for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeLessThan((errors[i - 1] as number) * 0.6);
    expect(errors[3]).toBeLessThan(0.04 / Math.sqrt(dim));
  }
});
