/** A vector key inside a binary message: the one place that makes a VectorKey from bytes of a message. */
import type { ByteReader } from './byte-reader.ts';
import type { VectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';

/** Reads `sizeBytes` of UTF-8; the bounds of a key hold here as they do at the edge. */
export function readKey(reader: ByteReader, sizeBytes: number): VectorKey {
  if (sizeBytes === 0 || sizeBytes > LIMITS.keyBytes) throw reader.error(`a key of ${sizeBytes} bytes cannot be`, 'key');
  return reader.text(sizeBytes, 'key') as VectorKey;
}
