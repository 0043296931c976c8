// Index header, 256 bytes. Readers load the fields marked (a) atomically; only the writer stores any.

export const COSINE: u32 = 0;
export const L2: u32 = 1;
export const DOT: u32 = 2;

export const IX_DIM: usize = 0;
/** Bytes of a vector's components, padded with zeros to whole groups of four. */
export const IX_VECTOR_BYTES: usize = 4;
export const IX_DISTANCE: usize = 8;
export const IX_M: usize = 12;
export const IX_M0: usize = 16;
export const IX_EF_CONSTRUCTION: usize = 20;
export const IX_SEED: usize = 24;
export const IX_FLAT_THRESHOLD: usize = 28;
/** (a) The stamp a search reads at its start. */
export const IX_PUBLISHED: usize = 32;
/** (a) One more than the highest id ever put. */
export const IX_HIGH_WATER: usize = 36;
/** (a) Entry point: layer in the top 8 bits, id below; NO_ENTRY before the first link. */
export const IX_ENTRY: usize = 40;
/** Every live id below it is linked. */
export const IX_LINK_CURSOR: usize = 44;
/** (a) Live vectors at an even and at an odd published stamp. */
export const IX_LIVE_AT: usize = 48;
export const IX_LIVE: usize = 56;
export const IX_DEAD: usize = 60;
export const IX_LINKED_LIVE: usize = 64;
export const IX_MEMORY_BYTES: usize = 68;
/** (a) 1 when every published vector is linked, so that a search may use the graph. */
export const IX_GRAPH_READY: usize = 72;
export const IX_GRAPH_STARTED: usize = 76;
/** 1 when link records and upper blocks exist for every id below the high-water mark. */
export const IX_GRAPH_RESERVED: usize = 80;
export const IX_VECTORS: usize = 96;
export const IX_LINKS: usize = 128;
export const IX_UPPER_CHUNK: usize = 160;
export const IX_UPPER_USED: usize = 164;
export const IX_UPPER_END: usize = 168;
export const IX_UPPER_NEXT_BYTES: usize = 172;
export const IX_CODES: usize = 176;
/** Bits per dimension of the codes, 1, 2, 4 or 8; 0 where the index has none. */
export const IX_CODE_BITS: usize = 208;
/** Bytes of a code without its header. */
export const IX_CODE_BYTES: usize = 212;
export const IX_ROTATION_SEED: usize = 216;
/** Address of the centre that is taken from every vector before it is rotated; 0 before the graph starts. */
export const IX_CENTRE: usize = 220;
/** Squared length of the centre, f32. */
export const IX_CENTRE_SQUARED: usize = 224;
/** 1 where the index keeps codes alone: its vector records are headers, and whoever asks computes exact distances. */
export const IX_CODES_ONLY: usize = 228;
export const INDEX_HEADER_BYTES: u32 = 256;

export const NO_ENTRY: u32 = 0xffffffff;
export const ID_MASK: u32 = 0xffffff;

// Vector record: 16-byte header, then components, unless the index keeps codes alone.
//
//   born u32 | died u32 | upper block address u32, 0 = none | Euclidean norm f32 of the vector as given
//
// A search at stamp S sees the record when born <= S < died. Zeroed memory (died = 0) is therefore an absent record.

export const R_BORN: usize = 0;
export const R_DIED: usize = 4;
export const R_UPPER: usize = 8;
export const R_NORM: usize = 12;
export const RECORD_HEADER_BYTES: u32 = 16;
export const NEVER: u32 = 0xffffffff;

// Code record: 16-byte header, then the code (`code.ts`). Born and died are those of the vector record, so that a traversal touches
// one record only; `code-distance.ts` says what the factors mean.
//
//   born u32 | died u32 | add f32 | rescale f32

export const C_ADD: usize = 8;
export const C_RESCALE: usize = 12;

@inline export function isCodesOnly(index: usize): bool { return load<u32>(index, IX_CODES_ONLY) != 0; }

@inline export function isVisible(record: usize, stamp: u32): bool {
  return load<u32>(record, R_BORN) <= stamp && load<u32>(record, R_DIED) > stamp;
}
