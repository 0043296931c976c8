/** The element types of npy files that can be vectors, and how a row of them becomes float32. */
export interface ComponentType {
  readonly bytes: number;
  /** Reads `values.length` components from the start of `view`. Values outside float32 become infinite and are refused by the caller. */
  readonly read: (view: DataView, values: Float32Array) => void;
}

type Getter = (view: DataView, offset: number, littleEndian: boolean) => number;

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits with bias 15, 10 fraction bits. */
function halfFloat(view: DataView, offset: number, littleEndian: boolean): number {
  const bits = view.getUint16(offset, littleEndian);
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const GETTERS: Readonly<Record<string, { readonly bytes: number; readonly get: Getter }>> = {
  f2: { bytes: 2, get: halfFloat },
  f4: { bytes: 4, get: (view, offset, littleEndian) => view.getFloat32(offset, littleEndian) },
  f8: { bytes: 8, get: (view, offset, littleEndian) => view.getFloat64(offset, littleEndian) },
  i1: { bytes: 1, get: (view, offset) => view.getInt8(offset) },
  i2: { bytes: 2, get: (view, offset, littleEndian) => view.getInt16(offset, littleEndian) },
  i4: { bytes: 4, get: (view, offset, littleEndian) => view.getInt32(offset, littleEndian) },
  i8: { bytes: 8, get: (view, offset, littleEndian) => Number(view.getBigInt64(offset, littleEndian)) },
  u1: { bytes: 1, get: (view, offset) => view.getUint8(offset) },
  u2: { bytes: 2, get: (view, offset, littleEndian) => view.getUint16(offset, littleEndian) },
  u4: { bytes: 4, get: (view, offset, littleEndian) => view.getUint32(offset, littleEndian) },
  u8: { bytes: 8, get: (view, offset, littleEndian) => Number(view.getBigUint64(offset, littleEndian)) },
};

export const NPY_TYPES: readonly string[] = Object.keys(GETTERS);

/** The type of a descr such as `<f4`, `>i2` or `|u1`; undefined when it is not one of `NPY_TYPES`. */
export function componentType(descr: string): ComponentType | undefined {
  const match = /^([<>|=])([a-z]\d)$/.exec(descr);
  const getter = match?.[2] === undefined || !Object.hasOwn(GETTERS, match[2]) ? undefined : GETTERS[match[2]];
  if (match === null || getter === undefined) return undefined;
  // `=` is the writer's own order and never occurs in files of today's NumPy; every machine that runs Node is little-endian in practice.
  const littleEndian = match[1] !== '>';
  const { bytes, get } = getter;
  const read = (view: DataView, values: Float32Array): void => {
    for (let index = 0; index < values.length; index += 1) values[index] = get(view, index * bytes, littleEndian);
  };
  return { bytes, read };
}
