import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetRow } from './dataset.ts';
import { openDataset } from './open-dataset.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-jsonl-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function readText(text: string | Uint8Array, startRow = 0): Promise<DatasetRow[]> {
  const path = join(directory, 'rows.jsonl');
  await writeFile(path, text);
  const all: DatasetRow[] = [];
  for await (const row of (await openDataset(path)).rows({ startRow })) all.push(row);
  return all;
}

test('rows carry values, keys and payloads; blank lines and a missing last newline do not matter', async () => {
  const text = '{"key":"ü","values":[1,2.5],"payload":{"a":[1]}}\r\n\n  \n{"values":[3,4]}\n{"values":[5,6]}';
  expect(await readText(text)).toEqual([
    { row: 0, key: 'ü', values: Float32Array.of(1, 2.5), payload: { a: [1] } },
    { row: 1, values: Float32Array.of(3, 4) },
    { row: 2, values: Float32Array.of(5, 6) },
  ]);
  expect((await readText(text, 2)).map((row) => row.row)).toEqual([2]);
});

test('lines that straddle the reading chunks are whole', async () => {
  const note = 'n'.repeat(700);
  const lines = Array.from({ length: 5_000 }, (_, row) => JSON.stringify({ key: `k${row}`, values: [row, 1], payload: { note } }));
  const rows = await readText(lines.join('\n'));
  expect(rows.length).toBe(5_000);
  expect(rows.every((row, index) => row.key === `k${index}` && row.values[0] === index && row.payload?.['note'] === note)).toBe(true);
});

const good = '{"values":[1,2]}\n';
test.each([
  ['bad JSON', `${good}{"values":[1,`, 'malformed_json'],
  ['an array', `${good}[1,2]`, 'malformed_body'],
  ['an unknown field', `${good}{"values":[1,2],"id":3}`, 'unknown_field'],
  ['no values', `${good}{"key":"a"}`, 'missing_field'],
  ['another dimension', `${good}{"values":[1]}`, 'dimension_mismatch'],
  ['text among the values', `${good}{"values":[1,"2"]}`, 'invalid_vector'],
  ['a value beyond float32', `${good}{"values":[1,1e39]}`, 'invalid_vector'],
  ['a number as key', `${good}{"values":[1,2],"key":7}`, 'invalid_key'],
  ['an array as payload', `${good}{"values":[1,2],"payload":[]}`, 'invalid_field'],
])('%s is refused with row and byte offset', async (_name, text, code) => {
  await expect(readText(text)).rejects.toMatchObject({ code, place: { row: 1, byteOffset: good.length } });
});

test('invalid UTF-8 is refused', async () => {
  const bytes = Buffer.concat([Buffer.from(good), Buffer.from('{"key":"'), Buffer.from([0xff]), Buffer.from('","values":[1,2]}')]);
  await expect(readText(bytes)).rejects.toMatchObject({ code: 'malformed_body', place: { row: 1 } });
});

test('an empty file and an endless line are refused', async () => {
  await expect(readText('\n\n')).rejects.toMatchObject({ code: 'malformed_body' });
  await expect(readText(`${good}${'x'.repeat(6 * 1024 * 1024)}`)).rejects.toMatchObject({ code: 'malformed_body', place: { row: 1, byteOffset: good.length } });
});
