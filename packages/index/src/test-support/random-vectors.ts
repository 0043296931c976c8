/** Uniform numbers in [0, 1) from a seed (Mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Vectors around a few centres, as embeddings are. */
export function clusteredVectors(seed: number, count: number, dim: number, clusterCount = 20): Float32Array[] {
  const next = uniform(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const centres = Array.from({ length: clusterCount }, () => Float32Array.from({ length: dim }, normal));
  return Array.from({ length: count }, () => {
    const centre = centres[Math.floor(next() * clusterCount)] as Float32Array;
    return centre.map((x) => x + 0.5 * normal());
  });
}
