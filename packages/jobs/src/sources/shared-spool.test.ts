import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JOB_LIMITS } from '../limits.ts';
import { sharedSpool, sweepSpool } from './shared-spool.ts';
import type { SpooledSource } from './spooled-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-spool-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function newSource(text: string): SpooledSource & { reads: number; fails: boolean } {
  const bytes = Buffer.from(text);
  const source = {
    name: 'a.h5', sizeBytes: bytes.length, reads: 0, fails: false,
    async read(offset: number, length: number) {
      source.reads += 1;
      if (source.fails) throw new Error('the connection broke');
      return bytes.subarray(offset, offset + length);
    },
  };
  return source;
}

test('a file is fetched once, however many ask for it at one time, and another content is another file', async () => {
  const source = newSource('contents');
  // Each thread has a spool of its own over the same directory.
  const paths = await Promise.all([1, 2, 3].map(() => sharedSpool(directory).path(source, 'v1')));
  expect(new Set(paths).size).toBe(1);
  expect(await readFile(paths[0] ?? '', 'utf8')).toBe('contents');
  expect(source.reads).toBe(1);
  const other = await sharedSpool(directory).path(newSource('changed'), 'v2');
  expect(await readFile(other, 'utf8')).toBe('changed');
});

test('a fetch that failed leaves nothing and is done again', async () => {
  const source = newSource('contents');
  source.fails = true;
  await expect(sharedSpool(directory).path(source, 'v1')).rejects.toThrow('the connection broke');
  expect(await readdir(directory)).toEqual([]);
  source.fails = false;
  expect(await readFile(await sharedSpool(directory).path(source, 'v1'), 'utf8')).toBe('contents');
});

test('what nobody has asked for lately goes, and is fetched again when it is asked for', async () => {
  const source = newSource('contents');
  const spool = sharedSpool(directory);
  await spool.path(source, 'v1');
  await sweepSpool(directory, Date.now());
  expect((await readdir(directory)).length).toBe(1);
  await sweepSpool(directory, Date.now() + JOB_LIMITS.spooledIdleMs + 60_000);
  expect(await readdir(directory)).toEqual([]);
  await spool.path(source, 'v1');
  expect(source.reads).toBe(2);
});

test('a file for which there is no room beside the others is one to wait for', async () => {
  const spool = sharedSpool(directory);
  await spool.path(newSource('contents'), 'v1');
  const large = { ...newSource(''), sizeBytes: JOB_LIMITS.spooledFileBytes };
  await expect(spool.path(large, 'v2')).rejects.toMatchObject({ code: 'source_unavailable', retryable: true });
});
