import type { IndexOp } from './index-op.ts';

/** The operations of a group in flat arrays, which move to the writer thread without a copy. */
export interface Group {
  /** Id in the low 24 bits of each; PUT or REMOVE above. */
  readonly ops: Uint32Array<ArrayBuffer>;
  /** Vectors of the puts, in order. */
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly putCount: number;
}

export const OP_SHIFT = 24;
export const OP_ID_MASK = 0xff_ffff;
export const OP_PUT = 0;
export const OP_REMOVE = 1;

export function encodeGroup(ops: readonly IndexOp[], dim: number): Group {
  const encoded = new Uint32Array(ops.length);
  let putCount = 0;
  for (const op of ops) if (op.type === 'put') putCount++;
  const vectors = new Float32Array(putCount * dim);
  let at = 0;
  ops.forEach((op, i) => {
    if (op.type === 'put') {
      encoded[i] = op.id;
      vectors.set(op.vector, at);
      at += dim;
    } else {
      encoded[i] = op.id | (OP_REMOVE << OP_SHIFT);
    }
  });
  return { ops: encoded, vectors, putCount };
}
