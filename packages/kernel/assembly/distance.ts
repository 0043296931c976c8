// Distances over components padded to whole groups of four. Internally lower is nearer: squared Euclidean distance for l2, negated
// inner product for cosine (of normalised vectors) and dot. One and four candidates at a time add in the same order, so a pair has
// the same distance on every path, bit for bit.

import { L2 } from './layout';

/** Lane i is the sum of the lanes of the i-th argument. */
@inline function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

@inline function sumLane(a: v128): f32 {
  return (f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 2)) + (f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 3));
}

@inline function addSquare(q: v128, at: usize, offset: usize, sum: v128): v128 {
  const difference = f32x4.sub(q, v128.load(at + offset));
  return f32x4.relaxed_madd(difference, difference, sum);
}

@inline function addProduct(q: v128, at: usize, offset: usize, sum: v128): v128 {
  return f32x4.relaxed_madd(q, v128.load(at + offset), sum);
}

function squares4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
  const end = q + (bytes & ~31);
  while (q < end) {
    const q0 = v128.load(q);
    const q1 = v128.load(q, 16);
    let x = f32x4.sub(q0, v128.load(a)); a0 = f32x4.relaxed_madd(x, x, a0);
    x = f32x4.sub(q0, v128.load(b)); b0 = f32x4.relaxed_madd(x, x, b0);
    x = f32x4.sub(q0, v128.load(c)); c0 = f32x4.relaxed_madd(x, x, c0);
    x = f32x4.sub(q0, v128.load(d)); d0 = f32x4.relaxed_madd(x, x, d0);
    x = f32x4.sub(q1, v128.load(a, 16)); a1 = f32x4.relaxed_madd(x, x, a1);
    x = f32x4.sub(q1, v128.load(b, 16)); b1 = f32x4.relaxed_madd(x, x, b1);
    x = f32x4.sub(q1, v128.load(c, 16)); c1 = f32x4.relaxed_madd(x, x, c1);
    x = f32x4.sub(q1, v128.load(d, 16)); d1 = f32x4.relaxed_madd(x, x, d1);
    q += 32; a += 32; b += 32; c += 32; d += 32;
  }
  if (bytes & 16) {
    const q0 = v128.load(q);
    a0 = addSquare(q0, a, 0, a0); b0 = addSquare(q0, b, 0, b0);
    c0 = addSquare(q0, c, 0, c0); d0 = addSquare(q0, d, 0, d0);
  }
  return sumLanes(f32x4.add(a0, a1), f32x4.add(b0, b1), f32x4.add(c0, c1), f32x4.add(d0, d1));
}

function products4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
  const end = q + (bytes & ~31);
  while (q < end) {
    const q0 = v128.load(q);
    const q1 = v128.load(q, 16);
    a0 = f32x4.relaxed_madd(q0, v128.load(a), a0); b0 = f32x4.relaxed_madd(q0, v128.load(b), b0);
    c0 = f32x4.relaxed_madd(q0, v128.load(c), c0); d0 = f32x4.relaxed_madd(q0, v128.load(d), d0);
    a1 = f32x4.relaxed_madd(q1, v128.load(a, 16), a1); b1 = f32x4.relaxed_madd(q1, v128.load(b, 16), b1);
    c1 = f32x4.relaxed_madd(q1, v128.load(c, 16), c1); d1 = f32x4.relaxed_madd(q1, v128.load(d, 16), d1);
    q += 32; a += 32; b += 32; c += 32; d += 32;
  }
  if (bytes & 16) {
    const q0 = v128.load(q);
    a0 = addProduct(q0, a, 0, a0); b0 = addProduct(q0, b, 0, b0);
    c0 = addProduct(q0, c, 0, c0); d0 = addProduct(q0, d, 0, d0);
  }
  return f32x4.sub(zero, sumLanes(f32x4.add(a0, a1), f32x4.add(b0, b1), f32x4.add(c0, c1), f32x4.add(d0, d1)));
}

/** Distances of four vectors to `q`, one per lane. */
@inline export function distances4(kind: u32, q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  return kind == L2 ? squares4(q, a, b, c, d, bytes) : products4(q, a, b, c, d, bytes);
}

/** Distance of one vector to `q`. */
export function distance1(kind: u32, q: usize, a: usize, bytes: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  const end = q + (bytes & ~31);
  const tail = (bytes & 16) != 0;
  if (kind == L2) {
    for (; q < end; q += 32, a += 32) {
      s0 = addSquare(v128.load(q), a, 0, s0);
      s1 = addSquare(v128.load(q, 16), a, 16, s1);
    }
    if (tail) s0 = addSquare(v128.load(q), a, 0, s0);
    return sumLane(f32x4.add(s0, s1));
  }
  for (; q < end; q += 32, a += 32) {
    s0 = addProduct(v128.load(q), a, 0, s0);
    s1 = addProduct(v128.load(q, 16), a, 16, s1);
  }
  if (tail) s0 = addProduct(v128.load(q), a, 0, s0);
  return 0 - sumLane(f32x4.add(s0, s1));
}

/** Euclidean norm, summed in double precision so that neither tiny nor huge components overflow. */
export function normOf(source: usize, dim: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < dim; i++) {
    const x = <f64>load<f32>(source + (i << 2));
    sum += x * x;
  }
  return Math.sqrt(sum);
}

/** Copies `dim` components times `scale` and pads with zeros up to `bytes`. */
export function copyScaled(target: usize, source: usize, dim: u32, bytes: u32, scale: f64): void {
  const end = dim << 2;
  let at: u32 = 0;
  if (scale == 1) for (; at + 16 <= end; at += 16) v128.store(target + at, v128.load(source + at));
  for (; at < end; at += 4) store<f32>(target + at, <f32>(<f64>load<f32>(source + at) * scale));
  for (; at < bytes; at += 4) store<f32>(target + at, 0);
}
