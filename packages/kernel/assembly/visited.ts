// One bit per id. Clearing walks the list of touched words, so it costs what the search cost and not the size of the index.

import { MAX_VECTORS, TOUCHED_CAPACITY } from './limits';
import { S_TOUCHED, S_TOUCHED_COUNT, S_TOUCHED_OVERFLOW, S_VISITED } from './scratch';

export function clearVisited(scratch: usize): void {
  const visited = scratch + S_VISITED;
  if (load<u32>(scratch, S_TOUCHED_OVERFLOW)) {
    memory.fill(visited, 0, MAX_VECTORS / 8);
  } else {
    const end = scratch + S_TOUCHED + (load<u32>(scratch, S_TOUCHED_COUNT) << 2);
    for (let at = scratch + S_TOUCHED; at < end; at += 4) store<u32>(visited + load<u32>(at), 0);
  }
  store<u32>(scratch, 0, S_TOUCHED_COUNT);
  store<u32>(scratch, 0, S_TOUCHED_OVERFLOW);
}

export function markVisited(scratch: usize, id: u32): void {
  const offset = (id >> 5) << 2;
  const word = scratch + S_VISITED + offset;
  store<u32>(word, load<u32>(word) | (1 << (id & 31)));
  rememberTouched(scratch, offset);
}

function rememberTouched(scratch: usize, offset: u32): void {
  const count = load<u32>(scratch, S_TOUCHED_COUNT);
  store<u32>(scratch + S_TOUCHED + (count << 2), offset);
  closeTouched(scratch, count + 1);
}

/** Records how many words were touched; the list has room for one more adjacency list beyond its capacity. */
@inline export function closeTouched(scratch: usize, count: u32): void {
  if (count > TOUCHED_CAPACITY) {
    store<u32>(scratch, 1, S_TOUCHED_OVERFLOW);
    count = 0;
  }
  store<u32>(scratch, count, S_TOUCHED_COUNT);
}
