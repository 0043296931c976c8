// Estimated distances from codes (Gao and Long, "RaBitQ", 2024; multi-bit: Gao et al. 2025). With c the centre, r = P(o - c) the rotated
// vector, q' = P(q - c) the rotated query, x the code and u = x + offset:
//
//   estimate = add + rescale * <u, q'> + (summand of the query)
//   l2:          add = |r|^2,    rescale = -2 |r|^2 / <r, u>,   the query's summand |q - c|^2
//   dot, cosine: add = -<o, c>,  rescale = -|r|^2 / <r, u>,     the query's summand -<q, c> + |c|^2
//
// and q' is coded itself, in 8 signed bits: <u, q'> = scale * (<x, q8> + offset * sum q8). Traversal leaves the query's summand out, which
// orders nothing. A code is whole 16-byte blocks; of b bits, 8/b components share a byte: those 16 apart.
//
// A code of 8 bits uses 7 of them: relaxed dot products take a 7-bit second operand.

import { C_ADD, C_RESCALE, RECORD_HEADER_BYTES } from './layout';

@inline function step(query: v128, code: v128, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(query, code, sum);
}

/** The components at bit `shift` of a block. */
@inline function unpack(block: v128, shift: i32, mask: v128): v128 {
  return v128.and(i16x8.shr_u(block, shift), mask);
}

/** Lane i is the sum of the lanes of the i-th argument. */
@inline function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

function products8(query: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let a0 = i32x4.splat(0), b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
  for (const end = query + (bytes & ~31); query < end; query += 32, a += 32, b += 32, c += 32, d += 32) {
    const q0 = v128.load(query);
    const q1 = v128.load(query, 16);
    a0 = step(q0, v128.load(a, RECORD_HEADER_BYTES), a0);
    b0 = step(q0, v128.load(b, RECORD_HEADER_BYTES), b0);
    c0 = step(q0, v128.load(c, RECORD_HEADER_BYTES), c0);
    d0 = step(q0, v128.load(d, RECORD_HEADER_BYTES), d0);
    a1 = step(q1, v128.load(a, RECORD_HEADER_BYTES + 16), a1);
    b1 = step(q1, v128.load(b, RECORD_HEADER_BYTES + 16), b1);
    c1 = step(q1, v128.load(c, RECORD_HEADER_BYTES + 16), c1);
    d1 = step(q1, v128.load(d, RECORD_HEADER_BYTES + 16), d1);
  }
  if (bytes & 16) {
    const q = v128.load(query);
    a0 = step(q, v128.load(a, RECORD_HEADER_BYTES), a0);
    b0 = step(q, v128.load(b, RECORD_HEADER_BYTES), b0);
    c0 = step(q, v128.load(c, RECORD_HEADER_BYTES), c0);
    d0 = step(q, v128.load(d, RECORD_HEADER_BYTES), d0);
  }
  return sumLanes(i32x4.add(a0, a1), i32x4.add(b0, b1), i32x4.add(c0, c1), i32x4.add(d0, d1));
}

function products4(query: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  const mask = i8x16.splat(15);
  let a0 = i32x4.splat(0), b0 = a0, c0 = a0, d0 = a0;
  for (const end = a + bytes; a < end; query += 32, a += 16, b += 16, c += 16, d += 16) {
    const q0 = v128.load(query);
    const q1 = v128.load(query, 16);
    let x = v128.load(a, RECORD_HEADER_BYTES);
    a0 = step(q1, unpack(x, 4, mask), step(q0, v128.and(x, mask), a0));
    x = v128.load(b, RECORD_HEADER_BYTES);
    b0 = step(q1, unpack(x, 4, mask), step(q0, v128.and(x, mask), b0));
    x = v128.load(c, RECORD_HEADER_BYTES);
    c0 = step(q1, unpack(x, 4, mask), step(q0, v128.and(x, mask), c0));
    x = v128.load(d, RECORD_HEADER_BYTES);
    d0 = step(q1, unpack(x, 4, mask), step(q0, v128.and(x, mask), d0));
  }
  return sumLanes(a0, b0, c0, d0);
}

/** Codes of one or two bits. */
function productsFew(query: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32, bits: u32): v128 {
  const mask = i8x16.splat(<i8>((<u32>1 << bits) - 1));
  let a0 = i32x4.splat(0), b0 = a0, c0 = a0, d0 = a0;
  for (const end = a + bytes; a < end; a += 16, b += 16, c += 16, d += 16) {
    const ax = v128.load(a, RECORD_HEADER_BYTES);
    const bx = v128.load(b, RECORD_HEADER_BYTES);
    const cx = v128.load(c, RECORD_HEADER_BYTES);
    const dx = v128.load(d, RECORD_HEADER_BYTES);
    for (let shift: u32 = 0; shift < 8; shift += bits, query += 16) {
      const q = v128.load(query);
      a0 = step(q, unpack(ax, shift, mask), a0);
      b0 = step(q, unpack(bx, shift, mask), b0);
      c0 = step(q, unpack(cx, shift, mask), c0);
      d0 = step(q, unpack(dx, shift, mask), d0);
    }
  }
  return sumLanes(a0, b0, c0, d0);
}

/** Estimates for four code records and a coded query, one per lane, without the query's summand. */
@inline export function estimates4(
  query: usize, scale: f32, bias: f32, bits: u32, bytes: u32, a: usize, b: usize, c: usize, d: usize,
): v128 {
  const products = bits == 8 ? products8(query, a, b, c, d, bytes)
    : bits == 4 ? products4(query, a, b, c, d, bytes) : productsFew(query, a, b, c, d, bytes, bits);
  // Each header's second half is (add, rescale): gather the four pairs and part them.
  const ab = v128.load64_lane(b + C_ADD, v128.load64_zero(a + C_ADD), 1);
  const cd = v128.load64_lane(d + C_ADD, v128.load64_zero(c + C_ADD), 1);
  const adds = v128.shuffle<f32>(ab, cd, 0, 2, 4, 6);
  const rescales = v128.shuffle<f32>(ab, cd, 1, 3, 5, 7);
  const inner = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(products), f32x4.splat(bias)), f32x4.splat(scale));
  return f32x4.relaxed_madd(rescales, inner, adds);
}
