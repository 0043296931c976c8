import { ShoalError, type VecId, type VectorKey } from '@shoal/protocol';
import { KEYS, RANGES, vectorKeyOfKey, type PartitionRef } from './keyspace.ts';
import { STORE_LIMITS } from './limits.ts';
import type { Rows } from './open-level.ts';
import { decodeComponents, decodeVecId } from './records.ts';
import { vectorRows, type VectorRows } from './vector-rows.ts';

export interface KeyAndId {
  readonly key: VectorKey;
  readonly id: VecId;
}

/** Reads of one moment of the store. */
export class StoreView {
  readonly #rows: Rows;
  readonly #snapshot: ReturnType<Rows['snapshot']>;

  constructor(rows: Rows) {
    this.#rows = rows;
    this.#snapshot = rows.snapshot();
  }

  /** At most `limit` keys after one, with their ids, in the order of the bytes of the keys. */
  async keysAfter(ref: PartitionRef, afterKey: VectorKey | undefined, limit: number): Promise<KeyAndId[]> {
    const range = RANGES.forwardAfter(ref, afterKey);
    const entries = await this.#rows.iterator({ ...range, limit, snapshot: this.#snapshot, fillCache: false, highWaterMarkBytes: STORE_LIMITS.scanPageBytes }).all();
    return entries.map(([key, value]) => ({ key: vectorKeyOfKey(key), id: decodeVecId(value) }));
  }

  /** The vectors of keys, in order; undefined where a key is unknown. */
  async vectors(ref: PartitionRef, keys: readonly VectorKey[], options: { readonly payloads: boolean }): Promise<(VectorRows | undefined)[]> {
    const snapshot = this.#snapshot;
    const found = await this.#rows.getMany(keys.map((key) => KEYS.idForward(ref, key)), { snapshot });
    const ids = found.flatMap((value) => (value === undefined ? [] : [decodeVecId(value)]));
    const vectors = await this.#rows.getMany(ids.map((id) => KEYS.vector(ref, id)), { snapshot });
    const payloads = options.payloads ? await this.#rows.getMany(ids.map((id) => KEYS.payload(ref, id)), { snapshot }) : [];
    let next = 0;
    return found.map((value) => {
      if (value === undefined) return undefined;
      const vector = vectors[next];
      const payload = payloads[next];
      next += 1;
      if (vector === undefined) throw new ShoalError('store_corrupt', 'A key on disk names a vector that is not there. Set the data directory aside and start again; the log is replayed.');
      return vectorRows(vector, payload);
    });
  }

  /** The components of ids, in order; undefined where an id has no row. */
  async values(ref: PartitionRef, ids: readonly VecId[]): Promise<(Float32Array | undefined)[]> {
    if (ids.length === 0) return [];
    const rows = await this.#rows.getMany(ids.map((id) => KEYS.vector(ref, id)), { snapshot: this.#snapshot });
    return rows.map((row) => (row === undefined ? undefined : decodeComponents(row)));
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}
