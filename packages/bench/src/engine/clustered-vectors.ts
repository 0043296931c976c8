/** Vectors as embeddings are: clusters in a space of few dimensions, laid into many, with a little noise everywhere. */
export interface ClusteredVectorsSpec {
  readonly seed: number;
  readonly count: number;
  readonly dim: number;
  /** Dimensions in which the vectors really differ. */
  readonly intrinsicDim: number;
  readonly clusterCount: number;
}

/** Uniform numbers in (0, 1] (Mulberry32). */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (((x ^ (x >>> 14)) >>> 0) + 1) / 2 ** 32;
  };
}

/** Standard normal numbers (Box and Muller, 1958). */
function normal(seed: number): () => number {
  const next = seededUniform(seed);
  return () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
}

const NOISE = 0.1;

/** `count` rows of `dim` floats, back to back; equal for equal specs. */
export function clusteredVectors(spec: ClusteredVectorsSpec): Float32Array {
  const { count, dim, intrinsicDim, clusterCount } = spec;
  const next = normal(spec.seed);
  const basis = Float32Array.from({ length: intrinsicDim * dim }, () => next() / Math.sqrt(intrinsicDim));
  const centres = Float32Array.from({ length: clusterCount * intrinsicDim }, next);
  const rows = new Float32Array(count * dim);
  for (let row = 0; row < count; row++) {
    const centre = Math.floor(Math.abs(next()) * 1e6) % clusterCount;
    const values = rows.subarray(row * dim, (row + 1) * dim);
    for (let j = 0; j < intrinsicDim; j++) {
      const coordinate = (centres[centre * intrinsicDim + j] as number) + next();
      for (let i = 0; i < dim; i++) values[i] = (values[i] as number) + coordinate * (basis[j * dim + i] as number);
    }
    for (let i = 0; i < dim; i++) values[i] = (values[i] as number) + NOISE * next();
  }
  return rows;
}
