import { expect, test } from 'vitest';
import { clusteredVectors } from './clustered-vectors.ts';

const spec = { seed: 3, count: 400, dim: 64, intrinsicDim: 4, clusterCount: 5 };

/** Share of the variance left after `count` steps of Gram-Schmidt over the rows of greatest remainder. */
function varianceLeft(rows: Float32Array, dim: number, count: number): number {
  const vectors = Array.from({ length: rows.length / dim }, (_, i) => Array.from(rows.subarray(i * dim, (i + 1) * dim)));
  const squares = (v: number[]): number => v.reduce((sum, x) => sum + x * x, 0);
  const total = vectors.reduce((sum, v) => sum + squares(v), 0);
  for (let step = 0; step < count; step++) {
    const widest = [...vectors.reduce((best, v) => (squares(v) > squares(best) ? v : best))];
    const length = Math.sqrt(squares(widest));
    const axis = widest.map((x) => x / length);
    for (const v of vectors) {
      const along = v.reduce((sum, x, i) => sum + x * (axis[i] as number), 0);
      v.forEach((x, i) => { v[i] = x - along * (axis[i] as number); });
    }
  }
  return vectors.reduce((sum, v) => sum + squares(v), 0) / total;
}

test('equal specs give equal vectors, another seed others', () => {
  expect(clusteredVectors(spec)).toEqual(clusteredVectors(spec));
  expect(clusteredVectors({ ...spec, seed: 4 })).not.toEqual(clusteredVectors(spec));
});

test('the vectors differ in the intrinsic dimensions and hardly elsewhere', () => {
  const rows = clusteredVectors(spec);
  expect(rows.length).toBe(400 * 64);
  expect(varianceLeft(rows, 64, 4)).toBeLessThan(0.03);
  expect(varianceLeft(rows, 64, 2)).toBeGreaterThan(0.1);
});
