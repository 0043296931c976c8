// A candidate is one 64-bit key, so that order by (distance, id) is integer order.
//
//   bits 63..32  distance, its float bits made monotone | bit 31  taken: chosen as neighbour | bits 25..2  id
//   bit 1  invisible: routes only | bit 0  expanded

export const EXPANDED: u32 = 1;
export const INVISIBLE: u32 = 2;
export const TAKEN: u32 = 0x80000000;

@inline export function keyOf(distance: f32, id: u32): u64 {
  const bits = reinterpret<i32>(distance);
  const ordered = <u32>bits ^ (<u32>(bits >> 31) | 0x80000000);
  return (<u64>ordered << 32) | <u64>(id << 2);
}

@inline export function distanceOf(key: u64): f32 {
  const ordered = <u32>(key >> 32);
  const bits = ordered ^ (<u32>(<i32>~ordered >> 31) | 0x80000000);
  return reinterpret<f32>(bits);
}

@inline export function idOf(key: u64): u32 {
  return (<u32>key >> 2) & 0xffffff;
}

/** Number of keys in the ascending array below `key`: where to insert it. */
@inline export function positionOf(keys: usize, count: u32, key: u64): u32 {
  let base: u32 = 0;
  let length = count;
  while (length > 1) {
    const half = length >> 1;
    base = load<u64>(keys + ((base + half - 1) << 3)) < key ? base + half : base;
    length -= half;
  }
  return base + <u32>(length == 1 && load<u64>(keys + (base << 3)) < key);
}

/** Inserts into an ascending array of `count` keys at `position`. */
@inline export function insertAt(keys: usize, count: u32, position: u32, key: u64): void {
  const at = keys + (position << 3);
  let from = keys + (count << 3);
  for (; from >= at + 16; from -= 16) v128.store(from - 8, v128.load(from - 16));
  if (from > at) store<u64>(from, load<u64>(from - 8));
  store<u64>(at, key);
}
