import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEmbeddingCode, parsePartition } from '@shoal/protocol';
import { ShardStore, StoreBatch } from '@shoal/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCheckpointDirectory } from './checkpoint-directory.ts';

let directory: string;
let store: ShardStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-checkpoint-directory-'));
  store = await ShardStore.open({ directory: join(directory, 'store'), slots: 1 });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

it('keeps the files that the store names and what is not its own, and removes what a crash left', async () => {
  const indexes = join(directory, 'indexes');
  const files = await openCheckpointDirectory(indexes, store);
  const batch = new StoreBatch();
  batch.putCheckpoint({ code: parseEmbeddingCode(7), partition: parsePartition(1) }, { file: '7-1-300.index', operationCount: 300, fileBytes: 1 });
  await store.commit(batch, { sync: false });
  for (const name of ['7-1-300.index', '7-1-200.index', '8-0-5.index', '7-1-400.index.tmp', 'notes.txt', '99999999999999999999-0-1.index']) await writeFile(files.pathOf(name), 'x');
  await openCheckpointDirectory(indexes, store);
  expect((await readdir(indexes)).sort()).toEqual(['7-1-300.index', '99999999999999999999-0-1.index', 'notes.txt']);
  await files.remove('7-1-300.index');
  await files.remove('7-1-300.index');
  expect(await readdir(indexes)).not.toContain('7-1-300.index');
});

it('refuses a place that is no directory', async () => {
  await writeFile(join(directory, 'file'), 'x');
  await expect(openCheckpointDirectory(join(directory, 'file'), store)).rejects.toMatchObject({ code: 'directory_unusable' });
});
