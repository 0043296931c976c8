// The layer of a vector is a function of (seed, id), so that replicas agree and an id keeps its upper block for ever.

import { MAX_LAYER } from './limits';

/** SplitMix64's finaliser (Steele, Lea and Flood, 2014). */
@inline export function mix(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** P(layer >= l) = m^-l, in integers so that every machine draws the same. */
export function layerOf(seed: u32, id: u32, m: u32): u32 {
  const hash = mix(((<u64>seed << 32) | <u64>id) + 0x9e3779b97f4a7c15);
  let bound: u64 = u64.MAX_VALUE / m;
  let layer: u32 = 0;
  while (hash < bound && layer < MAX_LAYER) {
    layer++;
    bound /= m;
  }
  return layer;
}
