// The choice of neighbours (`choose.ts`) where nothing but codes is there to compare: every distance is that between two stored codes.

import { recordAt } from './arena';
import { SLACK } from './choose';
import { distanceOf, idOf, INVISIBLE, TAKEN } from './keys';
import { COSINE, DOT, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_DISTANCE } from './layout';
import { countDistances, S_CHOSEN_CODES, S_CHOSEN_IDS } from './scratch';
import { storedEstimates, takePair } from './stored-query';

/** Two distances between codes are equal where they differ by less than this share of them: rounding alone parts those of equal vectors. */
const ROUNDING: f32 = 1e-5;

/** The same as `chooseDiverse`; the keys' distances must be those from a stored code too. */
export function chooseByCodes(scratch: usize, index: usize, keys: usize, count: u32, capacity: u32): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  const chosen = chooseWithin(scratch, index, keys, count, capacity, 0, 1, 0);
  if (kind == DOT || chosen == capacity) return chosen;
  return chooseWithin(scratch, index, keys, count, capacity, chosen, SLACK, kind == COSINE ? 1 : 0);
}

function chooseWithin(
  scratch: usize, index: usize, keys: usize, count: u32, capacity: u32, chosen: u32, slack: f32, shift: f32,
): u32 {
  const bits = load<u32>(index, IX_CODE_BITS);
  const bytes = load<u32>(index, IX_CODE_BYTES);
  const records = scratch + S_CHOSEN_CODES;
  const factor = f32x4.splat(slack);
  let ties: u32 = 0;
  let computed: u32 = 0;
  for (let i: u32 = 0; i < count && chosen < capacity; i++) {
    const key = load<u64>(keys + (i << 3));
    if (<u32>key & (INVISIBLE | TAKEN)) continue;
    const id = idOf(key);
    const summand = f32x4.splat(takePair(scratch, index, id) + shift);
    const distance = distanceOf(key) + shift;
    const own = f32x4.splat(distance);
    const near = f32x4.splat(ROUNDING * abs<f32>(distance));
    let rejected = false;
    let tied = false;
    for (let j: u32 = 0; j < chosen; j += 4) {
      const four = f32x4.mul(factor, f32x4.add(summand, storedEstimates(scratch, records + (j << 2), bits, bytes)));
      const difference = f32x4.sub(own, four);
      computed += 4;
      if (v128.any_true(f32x4.gt(difference, near))) { rejected = true; break; }
      if (v128.any_true(f32x4.le(f32x4.abs(difference), near))) tied = true;
    }
    if (rejected) continue;
    if (tied && ++ties > capacity >> 2) continue;
    store<u32>(keys + (i << 3), <u32>key | TAKEN);
    store<u32>(scratch + S_CHOSEN_IDS + (chosen << 2), id);
    // The last chosen repeats up to a whole group of four.
    v128.store(records + (chosen << 2), i32x4.splat(<i32>recordAt(index + IX_CODES, id)));
    chosen++;
  }
  countDistances(scratch, computed);
  return chosen;
}
