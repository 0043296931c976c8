import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Field, FixedSizeList, Float32, Int32, Table, Utf8, tableToIPC, vectorFromArray } from 'apache-arrow';
import h5wasm from 'h5wasm/node';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Rejection } from '../imports/import-record.ts';
import { runImport, type RunProgress } from '../imports/run-import.ts';
import { sourceFiles } from '../sources/open-sources.ts';
import type { ReaderSettings } from './file-format.ts';

const DIM = 4;
const ROWS = 12_003;
const vectorOf = (row: number): number[] => Array.from({ length: DIM }, (_unused, index) => Math.fround(row + index / 8));

interface Written {
  readonly values: readonly number[];
  readonly payload?: unknown;
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-jobs-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Imports into a Map: what an embedding would hold. */
async function importInto(address: string, reader: ReaderSettings = {}, allowed: readonly string[] = [directory]): Promise<{ stored: Map<string, Written>; rejections: Rejection[]; progress: RunProgress }> {
  const stored = new Map<string, Written>();
  const rejections: Rejection[] = [];
  const progress = await runImport({
    files: await sourceFiles([address], { directories: allowed, hosts: ['127.0.0.1'], privateAddresses: false }),
    reader,
    rows: { mapping: {}, keyPrefix: 'k', dim: DIM, distance: 'l2' },
    handle: {
      async upsert(vectors) {
        let accepted = 0;
        for await (const { key, values, payload } of vectors) {
          stored.set(key, { values: Array.from(values), ...(payload === undefined ? {} : { payload }) });
          accepted += 1;
        }
        return { accepted, receipt: {} };
      },
    },
    onRejected: async (found) => void rejections.push(...found),
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  expect(progress.accepted + progress.rejected).toBe(progress.rowsDone);
  return { stored, rejections, progress };
}

const rows = Array.from({ length: ROWS }, (_unused, row) => row);
const jsonLine = (row: number): string => JSON.stringify({ key: `k${row}`, values: vectorOf(row), payload: { row } });

function fvecsFile(): Buffer {
  const bytes = Buffer.alloc(ROWS * (4 + DIM * 4));
  for (const row of rows) {
    bytes.writeInt32LE(DIM, row * (4 + DIM * 4));
    for (const [index, value] of vectorOf(row).entries()) bytes.writeFloatLE(value, row * (4 + DIM * 4) + 4 + index * 4);
  }
  return bytes;
}

function npyFile(): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${ROWS}, ${DIM}), }`.padEnd(117) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY', 'latin1');
  head.writeUInt8(1, 6);
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text), Buffer.from(Float32Array.from(rows.flatMap(vectorOf)).buffer)]);
}

async function hdf5File(): Promise<Buffer> {
  await h5wasm.ready;
  const path = join(directory, 'made.h5');
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'train', data: Float32Array.from(rows.flatMap(vectorOf)), shape: [ROWS, DIM] });
  file.close();
  const { readFile } = await import('node:fs/promises');
  return readFile(path);
}

const FILES: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
  'a.jsonl': () => Buffer.from(rows.map(jsonLine).join('\n')),
  'a.csv': () => Buffer.from(['key,values,payload', ...rows.map((row) => `k${row},"${JSON.stringify(vectorOf(row))}","{""row"":\n${row}}"`)].join('\n')),
  'a.parquet': () => Buffer.from(parquetWriteBuffer({
    rowGroupSize: 7_000,
    schema: [
      { name: 'root', num_children: 3 },
      { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      { name: 'values', converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
      { name: 'row', type: 'INT32', repetition_type: 'REQUIRED' },
    ],
    columnData: [
      { name: 'key', data: rows.map((row) => `k${row}`) },
      { name: 'values', data: rows.map(vectorOf) },
      { name: 'row', data: Int32Array.from(rows) },
    ],
  })),
  'a.arrow': () => Buffer.from(tableToIPC(new Table({
    key: vectorFromArray(rows.map((row) => `k${row}`), new Utf8()),
    values: vectorFromArray(rows.map(vectorOf), new FixedSizeList(DIM, new Field('item', new Float32()))),
    row: vectorFromArray(rows, new Int32()),
  }), 'file')),
  'a.fvecs': fvecsFile,
  'a.npy': npyFile,
  'a.h5': hdf5File,
};
const HAS_PAYLOAD = new Set(['a.jsonl', 'a.csv', 'a.parquet', 'a.arrow']);

test.each(Object.keys(FILES))('every row of %s comes in under its key, and importing it again changes nothing', async (name) => {
  const path = join(directory, name);
  await writeFile(path, await (FILES[name] ?? (() => Buffer.alloc(0)))());
  const expected = new Map(rows.map((row) => [`k${row}`, { values: vectorOf(row), ...(HAS_PAYLOAD.has(name) ? { payload: { row } } : {}) }]));
  const first = await importInto(path);
  expect(first.rejections).toEqual([]);
  expect(first.progress.accepted).toBe(ROWS);
  expect(first.stored).toEqual(expected);
  expect((await importInto(path)).stored).toEqual(expected);
}, 120_000);

test('of a file with one percent of broken rows the others come in, and each broken row is named with line and reason', async () => {
  const path = join(directory, 'broken.jsonl');
  const broken = ['{"key":"x"', '{"values":[1,2,3]}', '{"values":[1,2,3,"4"]}', '{"key":"","values":[1,2,3,4]}', '[1]', '{"values":[1,2,3,1e39]}', '{"values":[1,2,3,4],"payload":7}'];
  const codes = ['malformed_json', 'dimension_mismatch', 'invalid_vector', 'invalid_key', 'malformed_body', 'invalid_vector', 'invalid_field'];
  const isBroken = (row: number): boolean => row % 100 === 37;
  // A blank line before every thousandth row counts as a line and not as a row.
  const text = rows.map((row) => `${row % 1000 === 0 ? '\n' : ''}${isBroken(row) ? (broken[Math.floor(row / 100) % broken.length] ?? '') : jsonLine(row)}\n`).join('');
  await writeFile(path, text);
  const { stored, rejections, progress } = await importInto(path);
  const brokenRows = rows.filter(isBroken);
  expect(progress).toMatchObject({ accepted: ROWS - brokenRows.length, rejected: brokenRows.length });
  expect([...stored.keys()]).toEqual(rows.filter((row) => !isBroken(row)).map((row) => `k${row}`));
  expect(rejections.map(({ file, row, line, code }) => ({ file, row, line, code }))).toEqual(
    brokenRows.map((row) => ({ file: path, row, line: row + 2 + Math.floor(row / 1000), code: codes[Math.floor(row / 100) % codes.length] })),
  );
  expect(rejections.every(({ reason }) => reason.length > 10)).toBe(true);
});

test('a file at an HTTP address is read by ranges; other hosts and directories are refused', async () => {
  const file = Buffer.from(rows.map(jsonLine).join('\n'));
  const server = createServer((request, response) => {
    if (request.url === '/elsewhere.jsonl') {
      response.writeHead(302, { location: 'http://localhost/a.jsonl' }).end();
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const part = file.subarray(Number(first), Number(last) + 1);
    response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${file.length}`, etag: '"1"' }).end(part);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { stored } = await importInto(`${url}/a.jsonl?signature=secret`);
    expect(stored.size).toBe(ROWS);
    await expect(importInto(`${url}/elsewhere.jsonl`)).rejects.toMatchObject({ code: 'source_refused' });
    await expect(importInto('http://localhost/a.jsonl')).rejects.toMatchObject({ code: 'source_refused' });
    await expect(importInto('/etc/passwd', {}, [directory])).rejects.toMatchObject({ code: 'source_refused' });
    await expect(importInto('/etc/no-such-file', {}, [directory])).rejects.toMatchObject({ code: 'source_refused' });
    await expect(importInto('s3://bucket/a.jsonl')).rejects.toMatchObject({ code: 'source_refused' });
  } finally {
    server.close();
  }
});

test.each([
  ['a.fvecs', Buffer.from([4, 0, 0, 0, 1])],
  ['a.npy', Buffer.from('no npy at all, but long enough')],
  ['a.parquet', Buffer.from('PAR1 and then nothing of use PAR1')],
  ['a.h5', Buffer.from('no hdf5')],
  ['a.csv', Buffer.from('key,key\n1,2\n')],
  ['a.unknown', Buffer.from('x')],
])('a damaged or unknown file is refused in a sentence: %s', async (name, bytes) => {
  const path = join(directory, name);
  await writeFile(path, bytes);
  await expect(importInto(path)).rejects.toMatchObject({ code: 'source_invalid' });
});
