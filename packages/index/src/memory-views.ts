import type { WasmMemory } from '@shoal/kernel';

/** Typed views of the shared memory, made anew when it has grown. Never keep one across a call into the kernel that may grow it. */
export class MemoryViews {
  readonly #memory: WasmMemory;
  #buffer: SharedArrayBuffer | undefined;
  #u32: Uint32Array = new Uint32Array();
  #f32: Float32Array = new Float32Array();

  constructor(memory: WasmMemory) {
    this.#memory = memory;
  }

  get u32(): Uint32Array {
    this.#refresh();
    return this.#u32;
  }

  get f32(): Float32Array {
    this.#refresh();
    return this.#f32;
  }

  /** The bytes of a span. They stay where they are: this view may be kept while the memory grows. */
  bytes(address: number, byteLength: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, byteLength);
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  #refresh(): void {
    const buffer = this.#memory.buffer;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#u32 = new Uint32Array(buffer);
    this.#f32 = new Float32Array(buffer);
  }
}
