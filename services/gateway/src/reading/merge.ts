import type { SearchHit } from '@shoal/protocol';

/** Nearest first; equal distances in the order of their keys, so that the same data gives the same answer. */
function compareHits(a: SearchHit, b: SearchHit): number {
  return a.distance - b.distance || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

interface Cursor {
  readonly hits: readonly SearchHit[];
  next: number;
  head: SearchHit;
}

/**
 * The k nearest of several answers, each of them nearest first. Partitions share no key, so nothing is dropped as double.
 * A binary heap holds the head of each list: O(k log p) after O(p).
 */
export function mergeHits(lists: readonly (readonly SearchHit[])[], k: number): readonly SearchHit[] {
  const heap: Cursor[] = [];
  for (const list of lists) {
    // Shards order by distance alone; ties inside one list get their order here.
    const hits = isOrdered(list) ? list : list.toSorted(compareHits);
    const head = hits[0];
    if (head !== undefined) heap.push({ hits, next: 1, head });
  }
  const [only] = heap;
  if (heap.length === 1 && only !== undefined) return only.hits.slice(0, k);
  for (let index = (heap.length >> 1) - 1; index >= 0; index -= 1) siftDown(heap, index);
  const merged: SearchHit[] = [];
  while (merged.length < k) {
    const nearest = heap[0];
    if (nearest === undefined) break;
    merged.push(nearest.head);
    advance(heap, nearest);
  }
  return merged;
}

function isOrdered(hits: readonly SearchHit[]): boolean {
  return hits.every((hit, index) => {
    const before = hits[index - 1];
    return before === undefined || compareHits(before, hit) <= 0;
  });
}

function advance(heap: Cursor[], root: Cursor): void {
  const following = root.hits[root.next];
  if (following === undefined) {
    const last = heap.pop();
    if (last !== undefined && last !== root) heap[0] = last;
  } else {
    root.head = following;
    root.next += 1;
  }
  siftDown(heap, 0);
}

function siftDown(heap: Cursor[], start: number): void {
  let index = start;
  for (;;) {
    let smallest = index;
    for (const child of [2 * index + 1, 2 * index + 2]) {
      const candidate = heap[child];
      const current = heap[smallest];
      if (candidate !== undefined && current !== undefined && compareHits(candidate.head, current.head) < 0) smallest = child;
    }
    if (smallest === index) return;
    const a = heap[index];
    const b = heap[smallest];
    if (a === undefined || b === undefined) return;
    heap[index] = b;
    heap[smallest] = a;
    index = smallest;
  }
}
