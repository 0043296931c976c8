import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { JOB_LIMITS } from '../limits.ts';
import type { ExportedVector } from './export-vectors.ts';

/** `key` and `payload` (JSON text, or nothing) are UTF-8, `values` a list of float32. */
const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: 3 },
  { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'values', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  { name: 'payload', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];

interface Group {
  keys: string[];
  values: number[][];
  payloads: (string | undefined)[];
  bytes: number;
}

const emptyGroup = (): Group => ({ keys: [], values: [], payloads: [], bytes: 0 });

/** What the writer has written since the last time. Places in the file count on in the writer. */
function takeBytes(writer: ByteWriter): Uint8Array {
  const bytes = Uint8Array.from(writer.getBytes());
  writer.index = 0;
  return bytes;
}

/** Apache Parquet in row groups, each written as soon as it is full. */
export async function* exportParquet(vectors: AsyncIterable<ExportedVector>): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter();
  const file = new ParquetWriter({ writer, schema: SCHEMA, createdBy: 'shoal' });
  let group = emptyGroup();
  const writeGroup = async (): Promise<void> => {
    const columnData = [
      { name: 'key', data: group.keys },
      // Components hardly repeat and hardly shrink: neither a dictionary nor a compressor is worth its time.
      { name: 'values', data: group.values, encoding: 'PLAIN' as const, codec: 'UNCOMPRESSED' as const, statistics: false },
      { name: 'payload', data: group.payloads },
    ];
    await file.write({ columnData, rowGroupSize: group.keys.length });
    group = emptyGroup();
  };
  for await (const { key, values, payload } of vectors) {
    const text = payload === undefined ? undefined : JSON.stringify(payload);
    group.keys.push(key);
    group.values.push(Array.from(values));
    group.payloads.push(text);
    group.bytes += key.length + values.length * 4 + (text?.length ?? 0);
    if (group.keys.length < JOB_LIMITS.exportGroupRows && group.bytes < JOB_LIMITS.exportGroupBytes) continue;
    await writeGroup();
    yield takeBytes(writer);
  }
  if (group.keys.length > 0) await writeGroup();
  await file.finish();
  yield takeBytes(writer);
}
