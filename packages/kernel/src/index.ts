export { compileKernel, createMemory, instantiateKernel } from './kernel.ts';
export { ANSWER_HEADER_BYTES, DIED_NEVER, DISTANCE_CODES, FILTER_HEADER_BYTES, PATH_CODES, RECORD_KINDS, STRATEGY_CODES } from './kernel.ts';
export type { Address, Kernel } from './kernel.ts';
export * from './limits.ts';
export type { WasmMemory, WasmModule } from './web-assembly.ts';
