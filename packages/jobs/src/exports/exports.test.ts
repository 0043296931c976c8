import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRow } from '../formats/column-mapping.ts';
import { FILE_FORMATS } from '../formats/open-format.ts';
import { isRejected } from '../formats/row.ts';
import { JOB_LIMITS } from '../limits.ts';
import { openLocalFile } from '../sources/local-files.ts';
import { EXPORT_FORMATS, exportFormatOf, exportVectors, type ExportFormat, type ExportedVector } from './export-vectors.ts';
import { putHttp } from './put-http.ts';

const DIM = 5;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-export-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function* of(vectors: readonly ExportedVector[]): AsyncGenerator<ExportedVector> {
  yield* vectors;
}

/** A row as the import of a file gives it. */
async function importAll(format: ExportFormat, bytes: Uint8Array): Promise<ExportedVector[]> {
  const path = join(directory, `file.${format}`);
  await writeFile(path, bytes);
  const source = await openLocalFile(path, path);
  try {
    const reader = FILE_FORMATS[format];
    const contents = await reader.scan(source, {});
    const vectors: ExportedVector[] = [];
    for (const chunk of contents.chunks) {
      for await (const raw of reader.rows(source, chunk, contents.settings)) {
        const row = readRow(raw, 0, { mapping: {}, keyPrefix: '', dim: DIM, distance: 'l2' });
        if (isRejected(row)) throw new Error(row.reason);
        vectors.push({ key: row.key, values: row.values, ...(row.payload === undefined ? {} : { payload: row.payload }) });
      }
    }
    return vectors;
  } finally {
    await source.close();
  }
}

async function bytesOf(format: ExportFormat, vectors: readonly ExportedVector[]): Promise<{ readonly bytes: Buffer; readonly largestPiece: number }> {
  const pieces: Uint8Array[] = [];
  for await (const piece of exportVectors(format, of(vectors))) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), largestPiece: Math.max(...pieces.map(({ length }) => length)) };
}

const inBits = (vectors: readonly ExportedVector[]) => vectors.map(({ values, ...vector }) => ({ ...vector, bits: [...new Uint32Array(values.buffer, values.byteOffset, values.length)] }));

/** Vectors that are too long for distances in float32 are refused everywhere. */
const component = fc.oneof(fc.float({ noNaN: true, min: Math.fround(-1e17), max: Math.fround(1e17) }), fc.constantFrom(0, -0, 1e-45, -1e-40));
const payload = fc.dictionary(fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((name) => name.isWellFormed() && name !== '__proto__'), fc.oneof(fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 })), { noNullPrototype: true });
const vector = fc.record(
  { key: fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((key) => key.isWellFormed()), values: fc.array(component, { minLength: DIM, maxLength: DIM }).map((values) => Float32Array.from(values)), payload },
  { requiredKeys: ['key', 'values'] },
);

describe.each(EXPORT_FORMATS)('%s', (format) => {
  it('is imported again with every bit, payload and key', async () => {
    await fc.assert(fc.asyncProperty(fc.array(vector, { minLength: 1, maxLength: 20 }), async (vectors) => {
      expect(inBits(await importAll(format, (await bytesOf(format, vectors)).bytes))).toEqual(inBits(vectors));
    }), { numRuns: 50 });
  });

  it('is written in groups, so that many vectors take no more memory than few', async () => {
    const count = 2 * JOB_LIMITS.exportGroupRows + 7;
    const vectors = Array.from({ length: count }, (_, index) => ({ key: `k${index}`, values: Float32Array.from({ length: DIM }, (_each, at) => index + at / 8), payload: { index } }));
    const { bytes, largestPiece } = await bytesOf(format, vectors);
    expect(largestPiece).toBeLessThan(bytes.length / 2);
    const back = await importAll(format, bytes);
    expect(back).toHaveLength(count);
    expect(back.at(-1)).toEqual(vectors.at(-1));
  });

  it('of nothing is a file without rows', async () => {
    expect(await importAll(format, (await bytesOf(format, [])).bytes)).toEqual([]);
  });
});

it('an extension names a format', () => {
  expect(['a.parquet', 's3://b/a.JSONL', 'http://h/a.ndjson?x=1.csv', 'a.csv'].map(exportFormatOf)).toEqual(['parquet', 'jsonl', 'jsonl', undefined]);
});

describe('an HTTP address', () => {
  it('gets the file by PUT, and its refusal is told', async () => {
    const received: Buffer[] = [];
    const server = createServer((request, response) => {
      request.on('data', (piece: Buffer) => received.push(piece)).on('end', () => response.writeHead(request.url === '/full' ? 507 : 201).end());
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ab');
      yield Buffer.from('c');
    }
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ab');
      throw new Error('the scroll broke');
    }
    const never = new AbortController().signal;
    await putHttp(`http://127.0.0.1:${port}/a`, content(), never);
    expect(Buffer.concat(received).toString()).toBe('abc');
    await expect(putHttp(`http://127.0.0.1:${port}/full`, content(), never)).rejects.toMatchObject({ code: 'source_unavailable', message: expect.stringContaining('507') });
    await expect(putHttp(`http://127.0.0.1:${port}/a`, failing(), never)).rejects.toThrow('the scroll broke');
    server.closeAllConnections();
    server.close();
    await expect(putHttp(`http://127.0.0.1:${port}/a`, content(), never)).rejects.toMatchObject({ code: 'source_unavailable' });
  });
});
