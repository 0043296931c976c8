// The engine header lives at a fixed address, because WebAssembly globals are per instance and every thread has its own.
//
//   1024  magic u32, version u32, page limit u32, heap end u32, used bytes u32, index count u32, first-level bitmap u32
//   1088  second-level bitmaps, 32 x u32
//   1216  free list heads, 32 x 16 x u32
//   4096  heap

export const ENGINE: usize = 1024;
export const ENGINE_MAGIC: u32 = 0x53484f41;
export const ENGINE_VERSION: u32 = 1;

export const E_MAGIC: usize = ENGINE;
export const E_VERSION: usize = ENGINE + 4;
export const E_PAGE_LIMIT: usize = ENGINE + 8;
export const E_HEAP_END: usize = ENGINE + 12;
export const E_USED_BYTES: usize = ENGINE + 16;
export const E_INDEX_COUNT: usize = ENGINE + 20;
export const E_FIRST_BITMAP: usize = ENGINE + 24;
export const E_SECOND_BITMAPS: usize = ENGINE + 64;
export const E_HEADS: usize = ENGINE + 192;
export const HEAP_START: usize = 4096;

export const PAGE_BYTES: u32 = 65536;
