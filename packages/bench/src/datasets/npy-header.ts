/**
 * The header of NumPy's npy format (numpy.lib.format, versions 1.0, 2.0 and 3.0):
 *
 *   file   = magic: 93 4E 55 4D 50 59, major: uint8, minor: uint8, length: uint16 LE (major 1) | uint32 LE (major 2, 3),
 *            header: text{length}, data
 *   header = "{'descr': '<f4', 'fortran_order': False, 'shape': (rows, columns), }" padded with spaces, ended by a newline
 *
 * The header is a Python literal; only the plain form above, which every NumPy writes for a simple array, is read.
 */
export interface NpyHeader {
  /** Type string, such as `<f4`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const MAGIC = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]);

/** Bytes before the header text, enough for every version. */
export const NPY_PREFIX_BYTES = 12;

/** Reads magic, version and length from the first bytes of a file; a string says what is wrong. */
export function readNpyPrefix(prefix: Buffer): { readonly textStart: number; readonly textBytes: number } | string {
  if (prefix.length < 10 || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) return 'the file does not begin with the npy magic.';
  const major = prefix.readUInt8(6);
  switch (major) {
    case 1:
      return { textStart: 10, textBytes: prefix.readUInt16LE(8) };
    case 2:
    case 3:
      if (prefix.length < NPY_PREFIX_BYTES) return 'the file ends inside the npy header.';
      return { textStart: NPY_PREFIX_BYTES, textBytes: prefix.readUInt32LE(8) };
    default:
      return `npy format version ${major}.${prefix.readUInt8(7)} is not known.`;
  }
}

/** Parses the header text; a string says what is wrong. */
export function parseNpyHeader(text: string): NpyHeader | string {
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined) return 'the npy header names no simple type (structured arrays are not read).';
  if (order === undefined || shape === undefined) return 'the npy header lacks fortran_order or shape.';
  const sizes = shape.split(',').map((size) => size.trim()).filter((size) => size !== '').map(Number);
  return { descr, fortranOrder: order === 'True', shape: sizes };
}
