// The candidate pool: the visible nodes nearest so far, at most `ef` of them, and every invisible node (deleted, or not yet born at
// this stamp) that lies between. Those are expanded like others but take no result's place. Without them it is the plain pool of `ef`.

import { distanceOf, insertKey, INVISIBLE } from './keys';
import { POOL_CAPACITY } from './limits';
import { S_POOL, S_POOL_BOUND, S_POOL_COUNT, S_POOL_VISIBLE } from './scratch';

@inline export function poolCount(scratch: usize): u32 { return load<u32>(scratch, S_POOL_COUNT); }

/** Only keys below it are admitted. */
@inline export function poolBound(scratch: usize): u64 { return load<u64>(scratch, S_POOL_BOUND); }

/** The bound's distance; infinite while the pool has room. */
@inline export function poolBoundDistance(scratch: usize): f32 {
  const bound = poolBound(scratch);
  return bound == u64.MAX_VALUE ? Infinity : distanceOf(bound);
}

export function clearPool(scratch: usize): void {
  store<u32>(scratch, 0, S_POOL_COUNT);
  store<u32>(scratch, 0, S_POOL_VISIBLE);
  store<u64>(scratch, u64.MAX_VALUE, S_POOL_BOUND);
}

/** Admits a key below the bound and returns its position. */
@inline export function admit(scratch: usize, key: u64, ef: u32): u32 {
  const pool = scratch + S_POOL;
  let size = load<u32>(scratch, S_POOL_COUNT);
  let visible = load<u32>(scratch, S_POOL_VISIBLE) + <u32>((<u32>key & INVISIBLE) == 0);
  const position = insertKey(pool, size, key);
  size++;
  if (visible >= ef || size == POOL_CAPACITY) {
    // Drop what lies beyond the ef-th visible node, or the last where the pool is full of invisible ones.
    if (visible > ef || size == POOL_CAPACITY) {
      size--;
      visible -= <u32>((load<u32>(pool + (size << 3)) & INVISIBLE) == 0);
    }
    if (visible == ef) while (load<u32>(pool + ((size - 1) << 3)) & INVISIBLE) size--;
    store<u64>(scratch, load<u64>(pool + ((size - 1) << 3)), S_POOL_BOUND);
  }
  store<u32>(scratch, size, S_POOL_COUNT);
  store<u32>(scratch, visible, S_POOL_VISIBLE);
  return position;
}
