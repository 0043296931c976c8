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

/**
 * Inserts into an ascending array of `count` keys and returns the position. It is sought from the end, where most of what passes the bound of a
 * full array belongs, and what lies behind moves up on the way: a binary search first takes longer than that.
 */
@inline export function insertKey(keys: usize, count: u32, key: u64): u32 {
  let at = keys + (count << 3);
  for (; at >= keys + 32 && load<u64>(at - 32) > key; at -= 32) {
    const lower = v128.load(at - 32);
    v128.store(at - 8, v128.load(at - 16));
    v128.store(at - 24, lower);
  }
  for (; at > keys; at -= 8) {
    const before = load<u64>(at - 8);
    if (before < key) break;
    store<u64>(at, before);
  }
  store<u64>(at, key);
  return <u32>(at - keys) >> 3;
}
