import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShoalClient } from '@shoal/client';
import type { ImportRejection, ImportResponse } from '@shoal/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { vectorOf } from '../harness/workload.ts';

const DIM = 8;
const ROWS = 12_000;
let directory = '';
let node: EmbeddedProcess;
let client: ShoalClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-import-'));
  node = await EmbeddedProcess.start({ SHOAL_IMPORT_DIRS: directory });
  client = node.client({ retries: 20, timeoutMs: 60_000 });
});
afterAll(async () => {
  await node.close();
  await rm(directory, { recursive: true, force: true });
});

const isBroken = (row: number): boolean => row % 100 === 37;
const keyOf = (row: number): string => `row-${row}`;
const lineOf = (row: number): string => (isBroken(row) ? `{"key":"${keyOf(row)}","values":[1,2]}\n` : `${JSON.stringify({ key: keyOf(row), values: [...vectorOf(keyOf(row), 0, DIM)] })}\n`);

async function ended(id: string): Promise<ImportResponse> {
  for (;;) {
    const status = await client.imports.get(id);
    if (['done', 'failed', 'cancelled'].includes(status.state)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('finishes an import whose process was killed, leaves broken rows out by name, and changes nothing when it is repeated', async () => {
  const file = join(directory, 'rows.jsonl');
  await writeFile(file, Array.from({ length: ROWS }, (_, row) => lineOf(row)).join(''));
  const handle = client.embedding('e');
  await client.register({ name: 'e', model: 'm', dim: DIM, distance: 'l2' });
  const { id } = await client.imports.create({ embedding: 'e', sources: [file] }, { idempotencyKey: 'first' });
  while ((await client.imports.get(id)).state === 'queued') await new Promise((resolve) => setTimeout(resolve, 10));
  await node.process.end('SIGKILL');
  await node.restart();
  const done = await ended(id);
  const broken = Array.from({ length: ROWS }, (_, row) => row).filter(isBroken);
  expect(done).toMatchObject({ state: 'done', rows: ROWS, rowsDone: ROWS, accepted: ROWS - broken.length, rejected: broken.length, reported: broken.length });
  expect(await handle.count({ after: done.receipt })).toBe(ROWS - broken.length);
  const report: ImportRejection[] = [];
  for await (const rejection of client.imports.report(id)) report.push(rejection);
  expect(report.map(({ file: name, row, line, code }) => ({ name, row, line, code }))).toEqual(broken.map((row) => ({ name: file, row, line: row + 1, code: 'dimension_mismatch' })));
  for (const row of [0, 4_999, 5_000, ROWS - 1]) expect((await handle.get(keyOf(row)))?.values).toEqual(vectorOf(keyOf(row), 0, DIM));

  expect((await client.imports.create({ embedding: 'e', sources: [file] }, { idempotencyKey: 'first' })).id).toBe(id);
  const again = await client.imports.create({ embedding: 'e', sources: [file] });
  const repeated = await ended(again.id);
  expect(repeated).toMatchObject({ state: 'done', accepted: ROWS - broken.length, rejected: broken.length });
  expect(await handle.count({ after: repeated.receipt })).toBe(ROWS - broken.length);
});

it('refuses what the operator has not opened, and says so in the import', async () => {
  for (const [source, code] of [['/etc/passwd', 'source_refused'], ['http://127.0.0.1:1/a.jsonl', 'source_refused'], ['http://[::1]/a.jsonl', 'source_refused'], [join(directory, 'none.jsonl'), 'source_invalid']] as const) {
    const { id } = await client.imports.create({ embedding: 'e', sources: [source] });
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code } });
    await client.imports.delete(id);
    await expect(client.imports.get(id)).rejects.toMatchObject({ code: 'import_not_found' });
  }
});

it('pauses, goes on where it was, and is cancelled for good', async () => {
  const file = join(directory, 'many.jsonl');
  await writeFile(file, Array.from({ length: 30_000 }, (_, row) => lineOf(row).replace('row-', 'many-')).join(''));
  const { id } = await client.imports.create({ embedding: 'e', sources: [file] });
  while ((await client.imports.get(id)).rowsDone === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const paused = await client.imports.pause(id);
  expect(paused.state).toBe('paused');
  await expect(client.imports.delete(id)).rejects.toMatchObject({ code: 'import_conflict' });
  expect((await client.imports.resume(id)).state).toBe('running');
  const done = await ended(id);
  expect(done).toMatchObject({ state: 'done', rowsDone: 30_000, accepted: 29_700 });
  await expect(client.imports.cancel(id)).rejects.toMatchObject({ code: 'import_conflict' });
  const other = await client.imports.create({ embedding: 'e', sources: [file] });
  expect((await client.imports.cancel(other.id)).state).toBe('cancelled');
  await expect(client.imports.resume(other.id)).rejects.toMatchObject({ code: 'import_conflict' });
});
