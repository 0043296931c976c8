// Choice of neighbours by the diversity heuristic (Malkov and Yashunin 2018, algorithm 4): a candidate is kept if it is nearer to the
// query than to every neighbour kept before.

import { recordAt } from './arena';
import { distances4 } from './distance';
import { distanceOf, INVISIBLE } from './keys';
import { IX_DISTANCE, IX_VECTOR_BYTES, IX_VECTORS, RECORD_HEADER_BYTES } from './layout';
import { countDistances, S_CHOSEN_IDS, S_CHOSEN_VECTORS } from './scratch';

/**
 * Chooses up to `capacity` of the `count` ascending keys into the chosen ids and returns their number. Invisible keys are passed
 * over. A candidate as near to a kept neighbour as to the query (a duplicate) is kept too, but duplicates take a quarter of the
 * list at most: a cluster of equal vectors must keep its edges to the rest.
 */
export function chooseDiverse(scratch: usize, index: usize, keys: usize, count: u32, capacity: u32): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const vectors = scratch + S_CHOSEN_VECTORS;
  let chosen: u32 = 0;
  let ties: u32 = 0;
  let computed: u32 = 0;
  for (let i: u32 = 0; i < count && chosen < capacity; i++) {
    const key = load<u64>(keys + (i << 3));
    if (<u32>key & INVISIBLE) continue;
    const id = <u32>key >> 2;
    const vector = recordAt(index + IX_VECTORS, id) + RECORD_HEADER_BYTES;
    const own = f32x4.splat(distanceOf(key));
    let rejected = false;
    let tied = false;
    for (let j: u32 = 0; j < chosen; j += 4) {
      const at = vectors + (j << 2);
      const four = distances4(kind, vector, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12), bytes);
      computed += 4;
      if (v128.any_true(f32x4.lt(four, own))) { rejected = true; break; }
      if (v128.any_true(f32x4.eq(four, own))) tied = true;
    }
    if (rejected) continue;
    if (tied && ++ties > capacity >> 2) continue;
    store<u32>(scratch + S_CHOSEN_IDS + (chosen << 2), id);
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
