/** Reads what a run of writes has to know of the vectors that its keys name, in few crossings to disk per partition. */
import { ShoalError, type VectorKey, type VectorOperation } from '@shoal/protocol';
import type { KeyRow, ShardStore, StoreBatch } from '@shoal/store';
import type { WriteRun } from './message-runs.ts';
import type { ActivePartition } from './partition-state.ts';
import type { SlotState } from './slot-state.ts';
import { PartitionPlan, type ExistingVector } from './write-plan.ts';

interface Needs {
  readonly keys: Set<VectorKey>;
  payloads: boolean;
  sequences: boolean;
}

/** The vectors that a run names, by the partitions that take its writes. */
export type NamedVectors = ReadonlyMap<ActivePartition, Map<VectorKey, ExistingVector | undefined>>;

/** Reads the vectors that a run names. */
export async function readNamedVectors(run: WriteRun, state: SlotState, store: ShardStore): Promise<NamedVectors> {
  const needs = new Map<ActivePartition, Needs>();
  for (const { mutation } of run.writes) {
    const partition = state.partition(mutation);
    if (partition?.state !== 'active') continue;
    const needed = needs.get(partition) ?? { keys: new Set(), payloads: partition.payloads.hasFields, sequences: false };
    needs.set(partition, needed);
    for (const operation of mutation.operations) note(needed, operation);
  }
  const named = new Map<ActivePartition, Map<VectorKey, ExistingVector | undefined>>();
  for (const [partition, needed] of needs) named.set(partition, await existingVectors(partition, store, needed));
  return named;
}

/** A plan for each partition of a run. */
export function openPlans(named: NamedVectors, batch: StoreBatch): Map<ActivePartition, PartitionPlan> {
  return new Map([...named].map(([partition, vectors]) => [partition, new PartitionPlan(partition, vectors, batch)]));
}

function note(needed: Needs, { key, type, ifSequence }: VectorOperation): void {
  needed.keys.add(key);
  if (type === 'merge_payload') needed.payloads = true;
  // Zero asks whether there is a vector, which its id tells; any other sequence has to be compared.
  if (ifSequence !== undefined) needed.sequences = true;
}

/** The vectors of keys as they stand in the store. */
export async function existingVectors(partition: ActivePartition, store: ShardStore, needed: Pick<Needs, 'payloads' | 'sequences'> & { readonly keys: ReadonlySet<VectorKey> }): Promise<Map<VectorKey, ExistingVector | undefined>> {
  const keys = [...needed.keys];
  const found = await store.findKeys(partition.ref, keys);
  const known = found.flatMap((row) => (row === undefined ? [] : [vectorOf(row)]));
  const details = new Map((await withDetails(partition, store, known, needed)).map((vector) => [vector.id, vector]));
  return new Map(keys.map((key, index) => {
    const row = found[index];
    return [key, row === undefined ? undefined : details.get(row.id)];
  }));
}

function vectorOf({ id, digest }: KeyRow): ExistingVector {
  if (digest === undefined) throw new ShoalError('store_corrupt', 'A key on disk lacks the digest that its slot says to have. The slot is rebuilt.');
  return { id, digest };
}

async function withDetails({ ref }: ActivePartition, store: ShardStore, vectors: readonly ExistingVector[], { payloads, sequences }: Pick<Needs, 'payloads' | 'sequences'>): Promise<readonly ExistingVector[]> {
  const ids = vectors.map(({ id }) => id);
  if (sequences) {
    const rows = await store.rows(ref, ids, { payloads: true });
    return vectors.map((vector, index) => {
      const row = rows[index];
      return row === undefined ? vector : { ...vector, sequence: row.sequence, ...(row.payload === undefined ? {} : { payload: row.payload }) };
    });
  }
  if (!payloads) return vectors;
  const stored = await store.payloads(ref, ids);
  return vectors.map((vector, index) => {
    const payload = stored[index]?.payload;
    return payload === undefined ? vector : { ...vector, payload };
  });
}
