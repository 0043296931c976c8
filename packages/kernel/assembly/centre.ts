// The centre of an index's codes: the mean of the vectors it holds when its graph starts, fixed from then on. Codes are right about any
// centre, and finer the nearer it is to the vectors.

import { recordAt, takeSpan } from './arena';
import { normOf } from './distance';
import { isVisible, IX_CENTRE, IX_CENTRE_SQUARED, IX_DIM, IX_HIGH_WATER, IX_PUBLISHED, IX_VECTOR_BYTES, IX_VECTORS, RECORD_HEADER_BYTES } from './layout';
import { CENTRE_VECTORS_MAX, CENTRE_VECTORS_MIN } from './limits';

/** Makes room for the centre, at the origin; false when memory ran out. */
export function ensureCentre(index: usize): bool {
  if (load<u32>(index, IX_CENTRE) != 0) return true;
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const span = takeSpan(index, bytes);
  if (span == 0) return false;
  memory.fill(span, 0, bytes);
  store<u32>(index, <u32>span, IX_CENTRE);
  return true;
}

/** Moves the centre to the mean of the first vectors, if there are enough of them to have one. No code may have been written. */
export function placeCentre(index: usize): void {
  const centre = <usize>load<u32>(index, IX_CENTRE);
  const highWater = load<u32>(index, IX_HIGH_WATER);
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  const bytes = load<u32>(index, IX_DIM) << 2;
  let count: u32 = 0;
  for (let id: u32 = 0; id < highWater && count < CENTRE_VECTORS_MAX; id++) {
    const record = recordAt(index + IX_VECTORS, id);
    if (!isVisible(record, stamp)) continue;
    count++;
    const vector = record + RECORD_HEADER_BYTES;
    const share: f32 = 1 / <f32>count;
    for (let at: u32 = 0; at < bytes; at += 4) {
      const mean = load<f32>(centre + at);
      store<f32>(centre + at, mean + (load<f32>(vector + at) - mean) * share);
    }
  }
  if (count < CENTRE_VECTORS_MIN) memory.fill(centre, 0, bytes);
  const length = normOf(centre, bytes >> 2);
  store<f32>(index, <f32>(length * length), IX_CENTRE_SQUARED);
}
