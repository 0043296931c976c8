// Codes: a vector less the centre, rotated, each component rounded to a grid whose step suits this vector alone. A search codes its query
// the same way in 8 signed bits.

import { recordAt } from './arena';
import {
  C_ADD, C_RESCALE, IX_CENTRE, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_DIM, IX_DISTANCE, IX_ROTATION_SEED, IX_VECTOR_BYTES,
  IX_VECTORS, L2, R_BORN, R_DIED, RECORD_HEADER_BYTES,
} from './layout';
import { rotate } from './rotation';
import { S_QUERY_ADD, S_QUERY_BIAS, S_QUERY_CODE, S_QUERY_SCALE, S_ROTATED } from './scratch';

@inline export function hasCodes(index: usize): bool { return load<u32>(index, IX_CODE_BITS) != 0; }

/** Whole blocks of 16 bytes for `dim` components of `bits` bits. */
export function codeBytesOf(dim: u32, bits: u32): u32 {
  const perBlock = 128 / bits;
  return (dim + perBlock - 1) / perBlock * 16;
}

/** Highest value of a component: 8-bit codes use 7 bits. */
@inline export function topOf(bits: u32): u32 { return (1 << min<u32>(bits, 7)) - 1; }

export function productOf(a: usize, b: usize, dim: u32): f64 {
  let sum: f64 = 0;
  for (let at: u32 = 0; at < dim << 2; at += 4) sum += <f64>load<f32>(a + at) * <f64>load<f32>(b + at);
  return sum;
}

/** Leaves the vector less the centre, rotated, in S_ROTATED. */
function rotated(scratch: usize, index: usize, vector: usize): usize {
  const target = scratch + S_ROTATED;
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const centre = <usize>load<u32>(index, IX_CENTRE);
  for (let at: u32 = 0; at < bytes; at += 16) {
    v128.store(target + at, f32x4.sub(v128.load(vector + at), v128.load(centre + at)));
  }
  rotate(target, load<u32>(index, IX_DIM), load<u32>(index, IX_ROTATION_SEED));
  return target;
}

/** Greatest magnitude of the components. */
function greatest(at: usize, dim: u32): f32 {
  let four = f32x4.splat(0);
  const whole = at + ((dim & ~3) << 2);
  const end = at + (dim << 2);
  for (; at < whole; at += 16) four = f32x4.max(four, f32x4.abs(v128.load(at)));
  let most: f32 = max<f32>(
    max<f32>(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)), max<f32>(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)));
  for (; at < end; at += 4) most = max<f32>(most, abs<f32>(load<f32>(at)));
  return most;
}

/** Codes a query of `dim` components into the scratch. `vector` is as stored: normalised for cosine, padded. */
export function codeQuery(scratch: usize, index: usize, vector: usize): void {
  codeRotated(scratch, index, rotated(scratch, index, vector));
}

function codeRotated(scratch: usize, index: usize, source: usize): void {
  const dim = load<u32>(index, IX_DIM);
  const bits = load<u32>(index, IX_CODE_BITS);
  const code = scratch + S_QUERY_CODE;
  const length = load<u32>(index, IX_CODE_BYTES) * (8 / bits);
  const most = greatest(source, dim);
  const inverse: f32 = most > 0 ? 127 / most : 0;
  const scale = f32x4.splat(inverse);
  // Components beyond the dimension are zero: what is left there of a longer vector is cleared.
  memory.fill(source + (dim << 2), 0, (length - dim) << 2);
  let sums = i32x4.splat(0);
  for (let i: u32 = 0; i < length; i += 16) {
    const at = source + (i << 2);
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), scale)));
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 16), scale)));
    const c = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 32), scale)));
    const d = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 48), scale)));
    sums = i32x4.add(sums, i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
    v128.store(code + i, i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
  }
  const sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  store<f32>(scratch, most / 127, S_QUERY_SCALE);
  store<f32>(scratch, <f32>sum * -0.5 * <f32>topOf(bits), S_QUERY_BIAS);
}

/**
 * Codes the vector of a record into its code record, and as a query into the scratch. `vector` is as stored. Readers may hold the id only as
 * invisible: the record says it is unborn to them before its content changes.
 */
export function codeVector(scratch: usize, index: usize, id: u32, vector: usize): void {
  const record = recordAt(index + IX_VECTORS, id);
  const target = recordAt(index + IX_CODES, id);
  const dim = load<u32>(index, IX_DIM);
  const source = rotated(scratch, index, vector);
  atomic.store<u32>(target, load<u32>(record, R_BORN), R_BORN);
  writeCode(target, source, dim, load<u32>(index, IX_CODE_BITS), load<u32>(index, IX_CODE_BYTES), load<u32>(index, IX_DISTANCE));
  if (load<u32>(index, IX_DISTANCE) != L2) {
    store<f32>(target, <f32>-productOf(vector, <usize>load<u32>(index, IX_CENTRE), dim), C_ADD);
  }
  atomic.store<u32>(target, load<u32>(record, R_DIED), R_DIED);
  codeRotated(scratch, index, source);
}

@inline function levelOf(component: f32, inverse: f32, top: f32): f32 {
  return min<f32>(top, max<f32>(0, floor<f32>(component * inverse + (top + 1) * 0.5)));
}

function writeCode(target: usize, source: usize, dim: u32, bits: u32, bytes: u32, kind: u32): void {
  const top = <f32>topOf(bits);
  const step = stepOf(source, dim, bits);
  const inverse: f32 = step > 0 ? 1 / step : 0;
  const code = target + RECORD_HEADER_BYTES;
  const share = 8 / bits;
  memory.fill(code, 0, bytes);
  let aligned: f64 = 0;
  let squares: f64 = 0;
  for (let i: u32 = 0; i < dim; i++) {
    const component = load<f32>(source + (i << 2));
    const level = levelOf(component, inverse, top);
    const block = i >> 4;
    const at = code + (block / share << 4) + (i & 15);
    store<u8>(at, load<u8>(at) | (<u8>level << <u8>(block % share * bits)));
    aligned += <f64>component * <f64>(level - top * 0.5);
    squares += <f64>component * <f64>component;
  }
  const rescale = aligned > 0 ? squares / aligned : 0;
  store<f32>(target, <f32>squares, C_ADD);
  store<f32>(target, <f32>(kind == L2 ? -2 * rescale : -rescale), C_RESCALE);
}

/** The grid's step: for 8 bits all components fit, below that it is the best of a few by the cosine of code and vector. */
function stepOf(source: usize, dim: u32, bits: u32): f32 {
  const most = greatest(source, dim);
  const halfLevels = <f32>(topOf(bits) + 1) * 0.5;
  const widest = most / halfLevels;
  if (bits == 8 || bits == 1) return widest;
  let best = widest;
  let bestCosine: f64 = 0;
  for (let i: u32 = 0; i < STEPS; i++) {
    const step = widest * (1 - <f32>i * (0.7 / <f32>STEPS));
    const cosine = alignment(source, dim, 1 / step, <f32>topOf(bits));
    if (cosine > bestCosine) { bestCosine = cosine; best = step; }
  }
  return best;
}

const STEPS: u32 = 8;

/** Proportional to the cosine between the components and their code. */
function alignment(source: usize, dim: u32, inverse: f32, top: f32): f64 {
  const levels = f32x4.splat(top);
  const middle = f32x4.splat((top + 1) * 0.5);
  const offset = f32x4.splat(top * 0.5);
  const factor = f32x4.splat(inverse);
  const zero = f32x4.splat(0);
  let aligned = zero;
  let squares = zero;
  // A dimension that is no multiple of four leaves up to three components out of the comparison of steps, but for the shortest.
  const whole: u32 = dim < 4 ? 4 : dim & ~3;
  for (let i: u32 = 0; i < whole; i += 4) {
    const x = v128.load(source + (i << 2));
    const u = f32x4.sub(f32x4.min(levels, f32x4.max(zero, f32x4.floor(f32x4.add(f32x4.mul(x, factor), middle)))), offset);
    aligned = f32x4.add(aligned, f32x4.mul(x, u));
    squares = f32x4.add(squares, f32x4.mul(u, u));
  }
  const sum = f32x4.extract_lane(aligned, 0) + f32x4.extract_lane(aligned, 1) + f32x4.extract_lane(aligned, 2) + f32x4.extract_lane(aligned, 3);
  const norm = f32x4.extract_lane(squares, 0) + f32x4.extract_lane(squares, 1) + f32x4.extract_lane(squares, 2) + f32x4.extract_lane(squares, 3);
  return norm > 0 ? <f64>sum / Math.sqrt(<f64>norm) : 0;
}
