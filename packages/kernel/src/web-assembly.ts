// The part of the WebAssembly API that the engine uses. The compiler's library declares it only for browsers.

declare const moduleBrand: unique symbol;

/** A compiled module; can be sent to worker threads. */
export interface WasmModule { readonly [moduleBrand]: true }

/** A shared linear memory; can be sent to worker threads. `buffer` is a new object after the memory grew. */
export interface WasmMemory { readonly buffer: SharedArrayBuffer }

interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: { env: { memory: WasmMemory } }) => { readonly exports: unknown };
}

export const wasm = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;
