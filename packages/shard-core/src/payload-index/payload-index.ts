/**
 * What filters read of one partition: which ids there are, and an index for each declared field. It is derived from the payload rows
 * and kept in memory; a field that is declared later, or after a restart, is filled in the background (field-filling.ts).
 *
 * A run of writes passes through in two steps, so that a search always finds a key that it should find, whichever side of the run its
 * view of the vectors is on: `stage` adds the new ids before the engine shows them, `settle` takes the old ones away after the store
 * has the run. In between both are there; the engine's view tells which of the two lives.
 *
 * Invariants:
 * 1. Between runs the ids are exactly those of the vectors that live, and each index that is filled holds their values.
 * 2. `version` changes whenever an answer could.
 */
import { fieldValues, payloadToJson, type DeclaredField, type DeclaredFields, type VecId, type VectorKey } from '@shoal/protocol';
import { clearBit, grown, hasBit, setBit, wordsFor } from './dense-bits.ts';
import { openFieldIndex, type FieldIndex } from './field-index.ts';

/** A vector that a run adds, with its payload as UTF-8 JSON text. */
export interface StagedVector {
  readonly id: VecId;
  readonly key: VectorKey;
  readonly payload: Uint8Array | undefined;
}

export interface RemovedVector {
  readonly id: VecId;
  readonly payload: Uint8Array | undefined;
}

/** A vector that keeps its id and gets another payload. */
export interface ChangedPayload extends RemovedVector {
  readonly newPayload: Uint8Array;
}

/** What a run leaves to be done once the store has it. */
export interface SettledRun {
  readonly added: readonly StagedVector[];
  readonly removed: readonly RemovedVector[];
  readonly changed: readonly ChangedPayload[];
}

interface OpenField {
  readonly field: DeclaredField;
  readonly index: FieldIndex;
  filled: boolean;
}

export class PayloadIndex {
  #present = new Uint32Array(0);
  readonly #pending = new Map<VectorKey, VecId>();
  readonly #fields = new Map<string, OpenField>();
  /** Ids that runs have touched since a page of payloads was asked for. */
  readonly #touched = new Set<VecId>();
  readonly #arrivals = new Set<(key: VectorKey, id: VecId) => void>();
  #filling = false;
  #version = 0;

  constructor(declared: DeclaredFields, filled: boolean) {
    this.declare(declared, filled);
  }

  get version(): number {
    return this.#version;
  }

  get memoryBytes(): number {
    let bytes = this.#present.byteLength;
    for (const { index } of this.#fields.values()) bytes += index.memoryBytes;
    return bytes;
  }

  /** Words that a dense set of all ids takes. */
  get wordCount(): number {
    return this.#present.length;
  }

  /** Whether payloads matter to the index. */
  get hasFields(): boolean {
    return this.#fields.size > 0;
  }

  /** `filled`: there is no payload yet that the new fields could miss. */
  declare(declared: DeclaredFields, filled: boolean): void {
    for (const field of declared) {
      if (!this.#fields.has(field.name)) this.#fields.set(field.name, { field, index: openFieldIndex(field), filled });
    }
    this.#version += 1;
  }

  /** Fields that are still to be filled. */
  unfilled(): readonly DeclaredField[] {
    return [...this.#fields.values()].filter(({ filled }) => !filled).map(({ field }) => field);
  }

  isFilled(name: string): boolean {
    return this.#fields.get(name)?.filled ?? false;
  }

  field(name: string): FieldIndex | undefined {
    return this.#fields.get(name)?.index;
  }

  /** Notes an id that lives, while a partition is restored. */
  restore(id: VecId): void {
    this.#present = grown(this.#present, wordsFor(id + 1));
    setBit(this.#present, id);
  }

  stage(added: readonly StagedVector[]): void {
    for (const { id, key, payload } of added) {
      this.restore(id);
      this.#pending.set(key, id);
      this.#addValues(id, payload);
      for (const arrived of this.#arrivals) arrived(key, id);
    }
    this.#version += 1;
  }

  /** Takes back a run that did not reach the engine. */
  unstage(added: readonly StagedVector[]): void {
    for (const { id, key, payload } of added) {
      this.#pending.delete(key);
      this.#forget(id, payload);
    }
    this.#version += 1;
  }

  settle({ added, removed, changed }: SettledRun): void {
    for (const { key } of added) this.#pending.delete(key);
    for (const { id, payload } of removed) this.#forget(id, payload);
    for (const { id, payload, newPayload } of changed) {
      this.#removeValues(id, payload);
      this.#addValues(id, newPayload);
    }
    this.#version += 1;
  }

  /** Begins a page of payloads: what runs touch from here on is newer than the page. */
  beginPage(): void {
    this.#filling = true;
    this.#touched.clear();
  }

  /** Adds a page of payloads, read since `beginPage`, to fields that are not filled yet. */
  addPage(names: readonly string[], page: readonly { readonly id: VecId; readonly payload: Uint8Array }[]): void {
    const fields = names.flatMap((name) => this.#fields.get(name) ?? []);
    for (const { id, payload } of page) {
      if (this.#touched.has(id)) continue;
      const members = payloadToJson(payload);
      for (const { field, index } of fields) index.add(id, fieldValues(members, field));
    }
  }

  markFilled(names: readonly string[]): void {
    for (const name of names) {
      const open = this.#fields.get(name);
      if (open !== undefined) open.filled = true;
    }
    this.#filling = false;
    this.#touched.clear();
    this.#version += 1;
  }

  /** A copy of the ids that there are; `settledOnly` leaves out those of a run under way. */
  ids(settledOnly: boolean): Uint32Array<ArrayBuffer> {
    const words = this.#present.slice();
    if (settledOnly) for (const id of this.#pending.values()) clearBit(words, id);
    return words;
  }

  /** The id that a run under way gives a key. */
  pendingId(key: VectorKey): VecId | undefined {
    return this.#pending.get(key);
  }

  has(id: VecId): boolean {
    return hasBit(this.#present, id);
  }

  /** Tells of every key that gets an id, those of a run under way at once; ends with the function that it returns. */
  onArrival(arrived: (key: VectorKey, id: VecId) => void): () => void {
    for (const [key, id] of this.#pending) arrived(key, id);
    this.#arrivals.add(arrived);
    return () => void this.#arrivals.delete(arrived);
  }

  #forget(id: VecId, payload: Uint8Array | undefined): void {
    if (hasBit(this.#present, id)) clearBit(this.#present, id);
    this.#removeValues(id, payload);
  }

  #addValues(id: VecId, payload: Uint8Array | undefined): void {
    this.#touch(id);
    if (payload === undefined || this.#fields.size === 0) return;
    const members = payloadToJson(payload);
    for (const { field, index } of this.#fields.values()) index.add(id, fieldValues(members, field));
  }

  #removeValues(id: VecId, payload: Uint8Array | undefined): void {
    this.#touch(id);
    if (payload === undefined || this.#fields.size === 0) return;
    const members = payloadToJson(payload);
    for (const { field, index } of this.#fields.values()) index.remove(id, fieldValues(members, field));
  }

  #touch(id: VecId): void {
    if (this.#filling) this.#touched.add(id);
  }
}
