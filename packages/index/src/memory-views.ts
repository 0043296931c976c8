import type { Address, WasmMemory } from '@shoal/kernel';

/**
 * Typed views of the shared memory. Bytes stay where they are when it grows, so a view is good for every address that it reaches. Asking the memory for its
 * buffer is a call out of compiled code, so it is asked only for what lies beyond.
 */
export class MemoryViews {
  readonly #memory: WasmMemory;
  #u32: Uint32Array;
  #f32: Float32Array;

  constructor(memory: WasmMemory) {
    this.#memory = memory;
    this.#u32 = new Uint32Array(memory.buffer);
    this.#f32 = new Float32Array(memory.buffer);
  }

  /** All words up to the address `end` at least, which must lie in the memory. */
  u32(end: Address): Uint32Array {
    if (end > this.#u32.byteLength) this.#u32 = new Uint32Array(this.#memory.buffer);
    return this.#u32;
  }

  /** The same as floats. */
  f32(end: Address): Float32Array {
    if (end > this.#f32.byteLength) this.#f32 = new Float32Array(this.#memory.buffer);
    return this.#f32;
  }

  /** The bytes of a span. */
  bytes(address: Address, byteLength: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, byteLength);
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }
}
