/**
 * The same bytes as a plain Uint8Array. Libraries hand out Buffers now and then, whose `slice` does not copy as that of a
 * Uint8Array does, and which compare unequal to one.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
