import { MANIFEST, readManifest, type Manifest } from './manifest.ts';
import type { BackupPlace } from './places/backup-place.ts';

/** The backups at a place, the oldest first; folders without a manifest are none. */
export async function listBackups(place: BackupPlace, signal: AbortSignal): Promise<readonly Manifest[]> {
  const found: Manifest[] = [];
  for (const folder of await backupFolders(place)) found.push(await readManifest(place, folder, signal));
  return found;
}

/** The newest backup at a place, where there is one. */
export async function newestFolder(place: BackupPlace): Promise<string | undefined> {
  return (await backupFolders(place)).at(-1);
}

async function backupFolders(place: BackupPlace): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const folder of await place.folders()) if (await place.exists(`${folder}/${MANIFEST}`)) folders.push(folder);
  return folders;
}

/** The names that backups give their folders; nothing else is ever removed. */
const BACKUP_FOLDER = /^\d{8}T\d{9}Z-[0-9a-f]{4}$/;

const sameScope = (a: Manifest, b: Manifest): boolean => JSON.stringify(a.scope) === JSON.stringify(b.scope);

/** What a folder's name begins with. */
const timeOf = (folder: string): string => folder.split('-', 1)[0] ?? '';
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Removes the older backups of the same scope beyond `count`, and folders of backups that were begun a day before it and never finished. Resolves
 * with the folders of the former, the oldest first. The one named stays in any case.
 */
export async function removeOldBackups(place: BackupPlace, newest: Manifest, count: number, signal: AbortSignal): Promise<readonly string[]> {
  const all = await listBackups(place, signal);
  const alike = all.filter((manifest) => manifest.folder !== newest.folder && sameScope(manifest, newest));
  const old = alike.slice(0, Math.max(0, alike.length - Math.max(0, count - 1)));
  for (const { folder } of old) await place.remove(folder, MANIFEST);
  const whole = new Set(all.map(({ folder }) => folder));
  const dayBefore = new Date(Date.parse(newest.createdAt) - DAY_MS).toISOString().replaceAll(/[-:.]/g, '');
  for (const folder of await place.folders()) {
    if (BACKUP_FOLDER.test(folder) && !whole.has(folder) && timeOf(folder) < dayBefore) await place.remove(folder, MANIFEST);
  }
  return old.map(({ folder }) => folder);
}
