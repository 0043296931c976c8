// A put where the index keeps codes alone: the vector is coded at once, before anyone may see its id, and is gone after that. So the centre of
// the codes must stand before the first put.

import { codeVector } from './code';
import { copyScaled, normOf } from './distance';
import { COSINE, isCodesOnly, IX_CENTRE, IX_CENTRE_SQUARED, IX_DIM, IX_DISTANCE, IX_HIGH_WATER, IX_VECTOR_BYTES } from './layout';
import { CENTRE_VECTORS_MIN } from './limits';
import { S_QUERY, S_STORED_QUERY } from './scratch';

/** Codes the vector at `vector`, which is as stored vectors are. Its code as a query stays in the scratch for the link that follows. */
export function putCodes(scratch: usize, index: usize, id: u32, vector: usize): void {
  codeVector(scratch, index, id, vector);
  store<u32>(scratch, id + 1, S_STORED_QUERY);
}

/** 1 where the centre may still move: nothing was ever put. */
export function awaitsCentre(index: usize): u32 {
  return isCodesOnly(index) && load<u32>(index, IX_HIGH_WATER) == 0 ? 1 : 0;
}

/** Takes the `n`-th of the first vectors into their mean, n from 1. Memory for a first group must have been reserved. */
export function addToCentre(scratch: usize, index: usize, source: usize, n: u32): void {
  const dim = load<u32>(index, IX_DIM);
  const centre = <usize>load<u32>(index, IX_CENTRE);
  const vector = scratch + S_QUERY;
  const norm = load<u32>(index, IX_DISTANCE) == COSINE ? normOf(source, dim) : 1;
  copyScaled(vector, source, dim, load<u32>(index, IX_VECTOR_BYTES), norm > 0 ? 1 / norm : 0);
  if (n == 1) memory.fill(centre, 0, dim << 2);
  const share: f32 = 1 / <f32>n;
  for (let at: u32 = 0; at < dim << 2; at += 4) {
    const mean = load<f32>(centre + at);
    store<f32>(centre + at, mean + (load<f32>(vector + at) - mean) * share);
  }
}

/** Fixes the centre at the mean of the `count` vectors taken in; at the origin if they are too few to have one. */
export function settleCentre(index: usize, count: u32): void {
  const dim = load<u32>(index, IX_DIM);
  const centre = <usize>load<u32>(index, IX_CENTRE);
  if (count < CENTRE_VECTORS_MIN) memory.fill(centre, 0, dim << 2);
  const length = normOf(centre, dim);
  store<f32>(index, <f32>(length * length), IX_CENTRE_SQUARED);
}
