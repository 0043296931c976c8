/**
 * VecId -> key of one partition, outside the JavaScript heap: a search answers with ids, and its k keys must not cost k reads
 * from disk. Keys lie one after another in chunks; chunks of which more than half is garbage are compacted as new keys come.
 *
 *   entry of an id := chunk:u32 place:u32, beside each other, so that finding a key waits for memory once less
 *   place          := offset in the chunk << LENGTH_BITS | length
 */
import assert from 'node:assert';
import { LIMITS, type VecId, type VectorKey } from '@shoal/protocol';

const CHUNK_BYTES = 256 * 1024;
const LENGTH_BITS = 10;
const LENGTH_MASK = (1 << LENGTH_BITS) - 1;
assert(LIMITS.keyBytes <= LENGTH_MASK && CHUNK_BYTES <= 2 ** (32 - LENGTH_BITS), 'every place fits its word');
const NO_CHUNK = 0xffff_ffff;
const encoder = new TextEncoder();

interface Chunk {
  readonly bytes: Buffer;
  used: number;
  live: number;
  readonly ids: number[];
}

export class KeyTable {
  #entries = new Uint32Array(0);
  readonly #chunks = new Map<number, Chunk>();
  #nextChunk = 0;
  #open: { index: number; chunk: Chunk } | undefined;

  set(id: VecId, key: VectorKey): void {
    this.#reserve(id);
    this.#release(id);
    this.#append(id, encoder.encode(key));
  }

  get(id: VecId): VectorKey {
    const chunk = this.#chunks.get(this.#chunkOf(id));
    assert(chunk !== undefined, 'every id that a search returns has a key');
    const place = this.#placeOf(id);
    const start = place >>> LENGTH_BITS;
    return chunk.bytes.toString('utf8', start, start + (place & LENGTH_MASK)) as VectorKey;
  }

  get memoryBytes(): number {
    return this.#entries.byteLength + [...this.#chunks.values()].reduce((sum, chunk) => sum + chunk.bytes.length, 0);
  }

  #chunkOf(id: number): number {
    return this.#entries[id * 2] ?? NO_CHUNK;
  }

  #placeOf(id: number): number {
    return this.#entries[id * 2 + 1] ?? 0;
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
    this.#entries[id * 2] = index;
    this.#entries[id * 2 + 1] = (chunk.used << LENGTH_BITS) | bytes.length;
    chunk.used += bytes.length;
    chunk.live += bytes.length;
    chunk.ids.push(id);
  }

  #release(id: number): void {
    const index = this.#chunkOf(id);
    const chunk = this.#chunks.get(index);
    if (chunk === undefined) return;
    chunk.live -= this.#placeOf(id) & LENGTH_MASK;
    this.#entries[id * 2] = NO_CHUNK;
    if (index !== this.#open?.index && chunk.live * 2 < chunk.used) this.#compact(index, chunk);
  }

  #compact(index: number, chunk: Chunk): void {
    for (const id of new Set(chunk.ids)) {
      if (this.#chunkOf(id) !== index) continue;
      const place = this.#placeOf(id);
      const start = place >>> LENGTH_BITS;
      this.#append(id, chunk.bytes.subarray(start, start + (place & LENGTH_MASK)));
    }
    this.#chunks.delete(index);
  }

  #reserve(id: number): void {
    if (id * 2 < this.#entries.length) return;
    const entries = new Uint32Array(Math.max(128, this.#entries.length * 2, (id + 1) * 2)).fill(NO_CHUNK);
    entries.set(this.#entries);
    this.#entries = entries;
  }
}
