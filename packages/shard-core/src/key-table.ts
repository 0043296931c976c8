/**
 * VecId -> key of one partition, outside the JavaScript heap: a search answers with ids, and its k keys must not cost k reads
 * from disk. Keys lie one after another in chunks; chunks of which more than half is garbage are compacted as new keys come.
 *
 *   entry of an id := chunk:u32 offset:u32 length:u16, in three typed arrays indexed by id
 */
import assert from 'node:assert';
import type { VecId, VectorKey } from '@shoal/protocol';

const CHUNK_BYTES = 256 * 1024;
const NO_CHUNK = 0xffff_ffff;
const encoder = new TextEncoder();

interface Chunk {
  readonly bytes: Buffer;
  used: number;
  live: number;
  readonly ids: number[];
}

export class KeyTable {
  #chunkOf = new Uint32Array(0);
  #offsetOf = new Uint32Array(0);
  #lengthOf = new Uint16Array(0);
  readonly #chunks = new Map<number, Chunk>();
  #nextChunk = 0;
  #open: { index: number; chunk: Chunk } | undefined;

  set(id: VecId, key: VectorKey): void {
    this.#reserve(id);
    this.#release(id);
    this.#append(id, encoder.encode(key));
  }

  get(id: VecId): VectorKey {
    const chunk = this.#chunks.get(this.#chunkOf[id] ?? NO_CHUNK);
    assert(chunk !== undefined, 'every id that a search returns has a key');
    const start = this.#offsetOf[id] ?? 0;
    return chunk.bytes.toString('utf8', start, start + (this.#lengthOf[id] ?? 0)) as VectorKey;
  }

  get memoryBytes(): number {
    return this.#chunkOf.byteLength + this.#offsetOf.byteLength + this.#lengthOf.byteLength + [...this.#chunks.values()].reduce((sum, chunk) => sum + chunk.bytes.length, 0);
  }

  #append(id: number, bytes: Uint8Array): void {
    if (this.#open === undefined || this.#open.chunk.used + bytes.length > this.#open.chunk.bytes.length) {
      // The first chunk is small, so that thousands of small partitions stay small.
      const size = this.#nextChunk === 0 ? 4 * 1024 : CHUNK_BYTES;
      this.#open = { index: this.#nextChunk, chunk: { bytes: Buffer.allocUnsafeSlow(size), used: 0, live: 0, ids: [] } };
      this.#chunks.set(this.#nextChunk, this.#open.chunk);
      this.#nextChunk += 1;
    }
    const { index, chunk } = this.#open;
    chunk.bytes.set(bytes, chunk.used);
    this.#chunkOf[id] = index;
    this.#offsetOf[id] = chunk.used;
    this.#lengthOf[id] = bytes.length;
    chunk.used += bytes.length;
    chunk.live += bytes.length;
    chunk.ids.push(id);
  }

  #release(id: number): void {
    const index = this.#chunkOf[id] ?? NO_CHUNK;
    const chunk = this.#chunks.get(index);
    if (chunk === undefined) return;
    chunk.live -= this.#lengthOf[id] ?? 0;
    this.#chunkOf[id] = NO_CHUNK;
    if (index !== this.#open?.index && chunk.live * 2 < chunk.used) this.#compact(index, chunk);
  }

  #compact(index: number, chunk: Chunk): void {
    for (const id of new Set(chunk.ids)) {
      if (this.#chunkOf[id] !== index) continue;
      const start = this.#offsetOf[id] ?? 0;
      this.#append(id, chunk.bytes.subarray(start, start + (this.#lengthOf[id] ?? 0)));
    }
    this.#chunks.delete(index);
  }

  #reserve(id: number): void {
    if (id < this.#chunkOf.length) return;
    const capacity = Math.max(64, this.#chunkOf.length * 2, id + 1);
    const chunkOf = new Uint32Array(capacity).fill(NO_CHUNK);
    chunkOf.set(this.#chunkOf);
    const offsetOf = new Uint32Array(capacity);
    offsetOf.set(this.#offsetOf);
    const lengthOf = new Uint16Array(capacity);
    lengthOf.set(this.#lengthOf);
    this.#chunkOf = chunkOf;
    this.#offsetOf = offsetOf;
    this.#lengthOf = lengthOf;
  }
}
