// A random orthogonal rotation in O(d log d): rounds of random signs and a Hadamard transform over a power-of-two span; other
// dimensions mix in between by Kac's walk, one rotation by 45 degrees for each pair of components half the dimension apart
// (as in the RaBitQ library of Gao, Gou, Xu et al., 2025). Signs are a hash of (seed, round, position): nothing is stored.

import { mix } from './layers';

const ROUNDS: u32 = 4;
const SIGN_BIT: u32 = 0x80000000;

/** Flips the sign of each component at random. */
function flipSigns(at: usize, dim: u32, seed: u32, round: u32): void {
  const lanes = i32x4(1, 2, 4, 8);
  const sign = i32x4.splat(SIGN_BIT);
  let bits: u64 = 0;
  const whole = dim & ~3;
  for (let i: u32 = 0; i < dim; i += 4) {
    if ((i & 63) == 0) bits = mix((<u64>seed << 32 | <u64>round << 16 | <u64>(i >> 6)) + 0x9e3779b97f4a7c15);
    const four = <u32>bits & 15;
    bits >>= 4;
    const address = at + (i << 2);
    if (i < whole) {
      const flips = v128.and(i32x4.eq(v128.and(i32x4.splat(four), lanes), lanes), sign);
      v128.store(address, v128.xor(v128.load(address), flips));
    } else {
      for (let j: u32 = 0; j < dim - whole; j++) {
        store<u32>(address + (j << 2), load<u32>(address + (j << 2)) ^ (((four >> j) & 1) << 31));
      }
    }
  }
}

/** Normalised Hadamard transform of `count` components, a power of two. */
function hadamard(at: usize, count: u32): void {
  const factor: f32 = 1 / sqrt<f32>(<f32>count);
  if (count < 4) {
    if (count == 2) {
      const a = load<f32>(at);
      const b = load<f32>(at, 4);
      store<f32>(at, (a + b) * factor);
      store<f32>(at, (a - b) * factor, 4);
    }
    return;
  }
  const end = at + (count << 2);
  const signs2 = f32x4(1, 1, -1, -1);
  const signs1 = f32x4(1, -1, 1, -1);
  const scale = f32x4.splat(factor);
  for (let p = at; p < end; p += 16) {
    let x = v128.load(p);
    x = f32x4.add(v128.shuffle<f32>(x, x, 2, 3, 0, 1), f32x4.mul(x, signs2));
    x = f32x4.add(v128.shuffle<f32>(x, x, 1, 0, 3, 2), f32x4.mul(x, signs1));
    v128.store(p, f32x4.mul(x, scale));
  }
  for (let half: usize = 16; half < <usize>count << 2; half <<= 1) {
    for (let block = at; block < end; block += half << 1) {
      for (let p = block; p < block + half; p += 16) {
        const a = v128.load(p);
        const b = v128.load(p + half);
        v128.store(p, f32x4.add(a, b));
        v128.store(p + half, f32x4.sub(a, b));
      }
    }
  }
}

/** Rotates each component and the one half the dimension further on by 45 degrees. */
function kacWalk(at: usize, dim: u32): void {
  const half = dim >> 1;
  const other = at + ((dim - half) << 2);
  const factor: f32 = sqrt<f32>(0.5);
  const scale = f32x4.splat(factor);
  let i: u32 = 0;
  for (; i + 4 <= half; i += 4) {
    const a = f32x4.mul(v128.load(at + (i << 2)), scale);
    const b = f32x4.mul(v128.load(other + (i << 2)), scale);
    v128.store(at + (i << 2), f32x4.add(a, b));
    v128.store(other + (i << 2), f32x4.sub(a, b));
  }
  for (; i < half; i++) {
    const a = load<f32>(at + (i << 2)) * factor;
    const b = load<f32>(other + (i << 2)) * factor;
    store<f32>(at + (i << 2), a + b);
    store<f32>(other + (i << 2), a - b);
  }
}

/** Rotates the `dim` components at `at` in place, always alike for a seed. */
export function rotate(at: usize, dim: u32, seed: u32): void {
  const span: u32 = 1 << (31 - clz(dim));
  const last = at + ((dim - span) << 2);
  for (let round: u32 = 0; round < ROUNDS; round++) {
    flipSigns(at, dim, seed, round);
    hadamard(round & 1 ? last : at, span);
    if (span != dim) kacWalk(at, dim);
  }
}
