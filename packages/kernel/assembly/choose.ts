// Choice of neighbours by the diversity heuristic (Malkov and Yashunin 2018, algorithm 4): a candidate is kept if it is nearer to the
// query than to every neighbour kept before.

import { recordAt } from './arena';
import { distances4 } from './distance';
import { distanceOf, idOf, INVISIBLE, TAKEN } from './keys';
import { COSINE, DOT, isCodesOnly, IX_DISTANCE, IX_VECTOR_BYTES, IX_VECTORS, RECORD_HEADER_BYTES } from './layout';
import { chooseByCodes } from './choose-by-codes';
import { codePair, comparesCodes, keepPair, pairEstimates, pairMargins } from './pair';
import { countDistances, S_CHOSEN_IDS, S_CHOSEN_VECTORS } from './scratch';

/** Squared 1.2: the slack of DiskANN's second pass (Subramanya et al. 2019), which FreshDiskANN found vital under updates. */
export const SLACK: f32 = 1.44;

/**
 * Chooses up to `capacity` of the `count` ascending keys into the chosen ids and returns their number. Invisible keys are passed
 * over; keys chosen are marked TAKEN. Candidates that the heuristic refused fill what is left if a kept neighbour is nearer to them
 * by less than the slack: not for dot, whose distances are no metric. A candidate as near to a kept neighbour as to the query (a
 * duplicate) is kept too, but duplicates take a quarter of the list at most: equal vectors must keep their edges to the rest.
 */
export function chooseDiverse(scratch: usize, index: usize, keys: usize, count: u32, capacity: u32): u32 {
  if (isCodesOnly(index)) return chooseByCodes(scratch, index, keys, count, capacity);
  const kind = load<u32>(index, IX_DISTANCE);
  const chosen = chooseWithin(scratch, index, keys, count, capacity, 0, 1, 0);
  if (kind == DOT || chosen == capacity) return chosen;
  return chooseWithin(scratch, index, keys, count, capacity, chosen, SLACK, kind == COSINE ? 1 : 0);
}

/**
 * One pass, after `chosen` were chosen: a candidate is refused where slack times its distance from a kept one is less than its
 * distance from the query. `shift` makes the distances proportional to squared Euclidean ones.
 */
function chooseWithin(
  scratch: usize, index: usize, keys: usize, count: u32, capacity: u32, chosen: u32, slack: f32, shift: f32,
): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const vectors = scratch + S_CHOSEN_VECTORS;
  const factor = f32x4.splat(slack);
  const offset = f32x4.splat(shift);
  const codes = comparesCodes(index);
  let spread: f32 = 0;
  let ties: u32 = 0;
  let computed: u32 = 0;
  for (let i: u32 = 0; i < count && chosen < capacity; i++) {
    const key = load<u64>(keys + (i << 3));
    if (<u32>key & (INVISIBLE | TAKEN)) continue;
    const id = idOf(key);
    const vector = recordAt(index + IX_VECTORS, id) + RECORD_HEADER_BYTES;
    const own = f32x4.splat(distanceOf(key) + shift);
    if (codes) spread = codePair(scratch, index, id);
    let rejected = false;
    let tied = false;
    for (let j: u32 = 0; j < chosen; j += 4) {
      const at = vectors + (j << 2);
      if (codes) {
        const estimates = f32x4.mul(factor, f32x4.add(offset, pairEstimates(scratch, index, id, j)));
        const margins = f32x4.mul(factor, pairMargins(scratch, index, spread, j));
        if (v128.any_true(f32x4.lt(f32x4.add(estimates, margins), own))) { rejected = true; break; }
        if (i32x4.all_true(f32x4.gt(f32x4.sub(estimates, margins), own))) continue;
      }
      const four = f32x4.mul(factor, f32x4.add(offset,
        distances4(kind, vector, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12), bytes)));
      computed += 4;
      if (v128.any_true(f32x4.lt(four, own))) { rejected = true; break; }
      if (v128.any_true(f32x4.eq(four, own))) tied = true;
    }
    if (rejected) continue;
    if (tied && ++ties > capacity >> 2) continue;
    store<u32>(keys + (i << 3), <u32>key | TAKEN);
    store<u32>(scratch + S_CHOSEN_IDS + (chosen << 2), id);
    if (codes) keepPair(scratch, index, id, chosen, spread);
    // The last chosen repeats up to a whole group of four.
    const at = vectors + (chosen << 2);
    store<u32>(at, <u32>vector);
    store<u32>(at, <u32>vector, 4);
    store<u32>(at, <u32>vector, 8);
    store<u32>(at, <u32>vector, 12);
    chosen++;
  }
  countDistances(scratch, computed);
  return chosen;
}
