import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listBackups, newestFolder, removeOldBackups } from './kept-backups.ts';
import { MANIFEST, encodeManifest, type BackupScope, type Manifest } from './manifest.ts';
import { DirectoryPlace } from './places/directory-place.ts';

const never = new AbortController().signal;
const acme = { type: 'tenant', tenant: 'acme' } as BackupScope;

it('keeps the newest of each kind, and removes what was never finished a day ago, and nothing that is not a backup', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-kept-'));
  const place = new DirectoryPlace(directory);
  const add = async (day: number, scope: BackupScope): Promise<Manifest> => {
    const folder = `202601${String(day).padStart(2, '0')}T000000000Z-0000`;
    const manifest: Manifest = { format: 1, folder, createdAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`, shoal: '0', scope, slots: 1, records: { path: 'records.jsonl', bytes: 0, sha256: '' }, files: [] };
    await mkdir(join(directory, folder));
    await writeFile(join(directory, folder, MANIFEST), encodeManifest(manifest));
    return manifest;
  };
  try {
    for (const day of [1, 2, 3]) await add(day, { type: 'cluster' });
    await add(1 + 10, acme);
    for (const unfinished of ['20260102T000000000Z-ffff', '20260120T000000000Z-ffff', 'holiday-pictures']) await mkdir(join(directory, unfinished));
    const newest = await add(20, { type: 'cluster' });
    expect(await newestFolder(place)).toBe(newest.folder);
    expect(await removeOldBackups(place, newest, 2, never)).toEqual(['20260101T000000000Z-0000', '20260102T000000000Z-0000']);
    expect((await readdir(directory)).sort()).toEqual(['20260103T000000000Z-0000', '20260111T000000000Z-0000', '20260120T000000000Z-0000', '20260120T000000000Z-ffff', 'holiday-pictures']);
    await writeFile(join(directory, newest.folder, MANIFEST), encodeManifest({ ...newest, slots: 2 }).toString().replace('"slots": 2', '"slots": 3'));
    await expect(listBackups(place, never)).rejects.toMatchObject({ code: 'backup_corrupt' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
