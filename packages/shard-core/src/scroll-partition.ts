/** Reads the vectors of a partition in the order of their keys, page by page, and counts them. */
import { type CountAnswer, type CountItem, type ScrollAnswer, type ScrolledVector, type ScrollItem, type VecId, type VectorKey } from '@shoal/protocol';
import type { StoreView, VectorRows } from '@shoal/store';
import { PACE } from './limits.ts';
import type { ActivePartition } from './partition-state.ts';
import { countBits, hasBit, idsOf } from './payload-index/dense-bits.ts';
import { evaluateFilter, type PreparedFilter } from './payload-index/prepared-filter.ts';
import { filterOf, passes, partitionAfter } from './read-partition.ts';
import type { SlotMachine } from './slot-machine.ts';

export async function countPartition(machine: SlotMachine, item: CountItem): Promise<CountAnswer> {
  const partition = await partitionAfter(machine, item);
  if (partition === undefined) return { ok: true, appliedSequence: machine.appliedSequence, count: 0 };
  const prepared = await filterOf(machine, partition, item);
  const count = prepared === undefined ? partition.vectorCount : countBits(evaluateFilter(partition, prepared, true));
  return { ok: true, appliedSequence: machine.appliedSequence, count };
}

/** Keys of a page, in order, and how far they reach: everything up to `scannedTo` was looked at; absent at the end. */
interface PageOfKeys {
  readonly keys: readonly VectorKey[];
  readonly scannedTo: VectorKey | undefined;
}

/**
 * A page reads one moment of the store. A key that is replaced meanwhile keeps its place in the order, so no key comes twice and none that
 * lives throughout is missed, however many pages there are and whatever is written between them.
 */
export async function scrollPartition(machine: SlotMachine, item: ScrollItem): Promise<ScrollAnswer> {
  const partition = await partitionAfter(machine, item);
  if (partition === undefined) return { ok: true, appliedSequence: machine.appliedSequence, vectors: [] };
  const prepared = await filterOf(machine, partition, item);
  // The same turn of the event loop: the ids that pass include both those before and after a run that is being written.
  const view = machine.store.view();
  try {
    const appliedSequence = machine.appliedSequence;
    const passing = prepared === undefined ? undefined : evaluateFilter(partition, prepared, false);
    const few = passing !== undefined && countBits(passing) <= PACE.scrollSortedKeys;
    const page = few ? pageOfFew(partition, passing, item) : await pageOfMany(partition, view, passing, item);
    const { vectors, scannedTo } = await readPage(partition, view, prepared, page, item);
    return { ok: true, appliedSequence, vectors, ...(scannedTo === undefined ? {} : { scannedTo }) };
  } finally {
    await view.close();
  }
}

const compareBytes = (a: VectorKey, b: VectorKey): number => Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));

/** Few vectors pass: their keys are put in order. A key that is being replaced has two ids and comes once. */
function pageOfFew({ keys }: ActivePartition, passing: Uint32Array, { afterKey, limit }: ScrollItem): PageOfKeys {
  const found = new Set<VectorKey>();
  for (const id of idsOf(passing)) {
    const key = keys.get(id as VecId);
    if (afterKey === undefined || compareBytes(key, afterKey) > 0) found.add(key);
  }
  const ordered = [...found].sort(compareBytes);
  return { keys: ordered.slice(0, limit), scannedTo: ordered.length > limit ? ordered[limit - 1] : undefined };
}

/** Many pass, or all: the keys are read in order, so many at most. */
async function pageOfMany(partition: ActivePartition, view: StoreView, passing: Uint32Array | undefined, { afterKey, limit }: ScrollItem): Promise<PageOfKeys> {
  const keys: VectorKey[] = [];
  let scannedTo = afterKey;
  for (let looked = 0; looked < PACE.scrollKeys; ) {
    const wanted = Math.min(PACE.scrollPageKeys, passing === undefined ? limit - keys.length : PACE.scrollPageKeys);
    const group = await view.keysAfter(partition.ref, scannedTo, wanted);
    for (const { key, id } of group) {
      if (passing === undefined || hasBit(passing, id)) keys.push(key);
      scannedTo = key;
      if (keys.length === limit) return { keys, scannedTo };
    }
    if (group.length < wanted) return { keys, scannedTo: undefined };
    looked += group.length;
  }
  return { keys, scannedTo };
}

/** The vectors of a page as the view has them, up to a bound in bytes. What no longer passes was changed since the filter was evaluated. */
async function readPage(partition: ActivePartition, view: StoreView, prepared: PreparedFilter | undefined, { keys, scannedTo }: PageOfKeys, item: ScrollItem): Promise<{ readonly vectors: ScrolledVector[]; readonly scannedTo: VectorKey | undefined }> {
  const vectors: ScrolledVector[] = [];
  let bytes = 0;
  for (let start = 0; start < keys.length; start += PACE.scrollGroupRows) {
    const group = keys.slice(start, start + PACE.scrollGroupRows);
    const rows = await view.vectors(partition.ref, group, { payloads: true });
    group.forEach((key, index) => {
      const row = rows[index];
      if (row === undefined || (prepared !== undefined && !passes(partition, prepared, key, row))) return;
      const vector = scrolled(key, row, item);
      bytes += (vector.values?.byteLength ?? 0) + (vector.payload?.byteLength ?? 0);
      vectors.push(vector);
    });
    const more = start + group.length < keys.length;
    if (more && bytes >= PACE.scrollAnswerBytes) return { vectors, scannedTo: group.at(-1) };
  }
  return { vectors, scannedTo };
}

function scrolled(key: VectorKey, { sequence, values, payload }: VectorRows, { includeValues, includePayload }: ScrollItem): ScrolledVector {
  return { key, sequence, ...(includeValues ? { values } : {}), ...(includePayload && payload !== undefined ? { payload } : {}) };
}
