/**
 * The TEXMEX vector formats (http://corpus-texmex.irisa.fr). Per vector, without any header or padding:
 *
 *   record = dim: int32 LE, component{dim}
 *   component = uint8 (bvecs) | float32 LE (fvecs)
 */
import { LIMITS } from '@shoal/protocol';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import type { ChunkRange, FileContents, FileFormat } from './file-format.ts';
import { blocksOf, rowChunks, type RecordLayout } from './fixed-records.ts';
import type { RawRow } from './row.ts';

const DIM_BYTES = 4;

async function layoutOf(source: ByteSource, componentBytes: 1 | 4): Promise<RecordLayout & { readonly dim: number }> {
  const head = await source.read(0, DIM_BYTES);
  if (head.length < DIM_BYTES) throw invalidSource(source.name, `the file has ${source.sizeBytes} bytes, too few for one vector.`);
  const dim = head.readInt32LE(0);
  if (dim < 1 || dim > LIMITS.dim) throw invalidSource(source.name, `the dimension reads ${dim}, outside 1 to ${LIMITS.dim}.`);
  const recordBytes = DIM_BYTES + dim * componentBytes;
  const rowCount = Math.floor(source.sizeBytes / recordBytes);
  if (rowCount * recordBytes !== source.sizeBytes) throw invalidSource(source.name, `row ${rowCount} is cut off: the file does not end with a whole row of ${recordBytes} bytes.`);
  return { firstByte: 0, recordBytes, rowCount, dim };
}

/** Reads the components into `components`. */
function toRow(row: number, bytes: Buffer, components: Float32Array, componentBytes: 1 | 4): RawRow {
  const dim = components.length;
  const found = bytes.readInt32LE(0);
  if (found !== dim) return { row, fields: undefined, fault: { code: 'dimension_mismatch', reason: `the row says it has ${found} components; the first row has ${dim}.` } };
  for (let index = 0; index < dim; index += 1) {
    components[index] = componentBytes === 1 ? bytes.readUInt8(DIM_BYTES + index) : bytes.readFloatLE(DIM_BYTES + index * 4);
  }
  return { row, fields: undefined, components };
}

function vecs(componentBytes: 1 | 4): FileFormat {
  async function scan(source: ByteSource): Promise<FileContents> {
    const { rowCount } = await layoutOf(source, componentBytes);
    return { rowCount, settings: {}, chunks: rowChunks(rowCount) };
  }
  async function* rows(source: ByteSource, chunk: ChunkRange): AsyncGenerator<RawRow> {
    const { dim, ...layout } = await layoutOf(source, componentBytes);
    for await (const { firstRow, rowCount, bytes } of blocksOf(source, layout, chunk)) {
      const values = new Float32Array(rowCount * dim);
      for (let index = 0; index < rowCount; index += 1) {
        const record = bytes.subarray(index * layout.recordBytes, (index + 1) * layout.recordBytes);
        yield toRow(firstRow + index, record, values.subarray(index * dim, (index + 1) * dim), componentBytes);
      }
    }
  }
  return { scan, rows };
}

export const fvecs: FileFormat = vecs(4);
export const bvecs: FileFormat = vecs(1);
