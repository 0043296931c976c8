// Distances between two stored vectors from their codes alone, for the choice of neighbours: nearly all of its comparisons are clear
// from the estimates, and only the close ones need the vectors ("exact distances only for pruning ties", arXiv 2502.18113).

import { recordAt } from './arena';
import { topOf } from './code';
import { estimates4 } from './code-distance';
import {
  C_ADD, C_RESCALE, COSINE, IX_CENTRE_SQUARED, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_DIM, IX_DISTANCE, IX_VECTORS, L2, R_NORM,
  RECORD_HEADER_BYTES,
} from './layout';
import { S_CHOSEN_CODES, S_CHOSEN_SPREADS, S_PAIR_BIAS, S_PAIR_CODE, S_PAIR_SCALE } from './scratch';

/** Bits from which estimates between codes are fine enough to decide comparisons. */
const BITS_MIN: u32 = 8;

/**
 * Deviations of the estimate's error, in the sum of both spreads, times the root of the dimension: the rounding of two codes leaves
 * each 1.8% beside its vector, and the margin is three deviations.
 */
const MARGIN: f32 = 0.077;

@inline export function comparesCodes(index: usize): bool { return load<u32>(index, IX_CODE_BITS) >= BITS_MIN; }

/** Squared distance of a vector from the centre. */
@inline function spreadOf(index: usize, id: u32, code: usize): f32 {
  const kind = load<u32>(index, IX_DISTANCE);
  if (kind == L2) return load<f32>(code, C_ADD);
  const norm: f32 = kind == COSINE ? 1 : load<f32>(recordAt(index + IX_VECTORS, id), R_NORM);
  return norm * norm + load<f32>(index, IX_CENTRE_SQUARED) + 2 * load<f32>(code, C_ADD);
}

/** Takes the code of `id` as the query of `pairEstimates`; returns the vector's spread. */
export function codePair(scratch: usize, index: usize, id: u32): f32 {
  const record = recordAt(index + IX_CODES, id);
  const code = record + RECORD_HEADER_BYTES;
  const bytes = load<u32>(index, IX_CODE_BYTES);
  // Twice the code about its middle is odd and whole: -127 to 127.
  const top = i8x16.splat(127);
  const ones = i8x16.splat(1);
  let sums = i32x4.splat(0);
  for (let at: u32 = 0; at < bytes; at += 16) {
    const levels = v128.load(code + at);
    const doubled = i8x16.sub(levels, i8x16.sub(top, levels));
    v128.store(scratch + S_PAIR_CODE + at, doubled);
    sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(doubled, ones, sums);
  }
  const dim = load<u32>(index, IX_DIM);
  // What pads the last block is level 0, which is no component.
  for (let i = dim; i < bytes; i++) store<i8>(scratch + S_PAIR_CODE + i, 0);
  const sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
    + 127 * <i32>(bytes - dim);
  const rescale = load<f32>(record, C_RESCALE);
  store<f32>(scratch, -rescale * (load<u32>(index, IX_DISTANCE) == L2 ? 0.25 : 0.5), S_PAIR_SCALE);
  store<f32>(scratch, <f32>sum * -0.5 * <f32>topOf(BITS_MIN), S_PAIR_BIAS);
  return spreadOf(index, id, record);
}

/** Notes the code of a chosen neighbour at `position` and up to the next whole group of four. */
export function keepPair(scratch: usize, index: usize, id: u32, position: u32, spread: f32): void {
  const codes = scratch + S_CHOSEN_CODES + (position << 2);
  v128.store(codes, i32x4.splat(<i32>recordAt(index + IX_CODES, id)));
  v128.store(scratch + S_CHOSEN_SPREADS + (position << 2), f32x4.splat(spread));
}

/** Estimated distances of the code taken last from four chosen neighbours, from position `j`. */
export function pairEstimates(scratch: usize, index: usize, id: u32, j: u32): v128 {
  const at = scratch + S_CHOSEN_CODES + (j << 2);
  const four = estimates4(
    scratch + S_PAIR_CODE, load<f32>(scratch, S_PAIR_SCALE), load<f32>(scratch, S_PAIR_BIAS), BITS_MIN, load<u32>(index, IX_CODE_BYTES),
    load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12));
  const own = load<f32>(recordAt(index + IX_CODES, id), C_ADD);
  return f32x4.add(four, f32x4.splat(own + (load<u32>(index, IX_DISTANCE) == L2 ? 0 : load<f32>(index, IX_CENTRE_SQUARED))));
}

/** How far each of those estimates may be off. */
@inline export function pairMargins(scratch: usize, index: usize, spread: f32, j: u32): v128 {
  const share = MARGIN / sqrt<f32>(<f32>load<u32>(index, IX_DIM)) * (load<u32>(index, IX_DISTANCE) == L2 ? 1 : 0.5);
  return f32x4.mul(f32x4.splat(share), f32x4.add(f32x4.splat(spread), v128.load(scratch + S_CHOSEN_SPREADS + (j << 2))));
}
