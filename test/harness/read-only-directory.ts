import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const command = promisify(execFile);

/**
 * Makes a directory and all in it read-only, and returns how to undo that. The superuser may write whatever the permissions say, so for it the
 * directory is mounted over itself, read-only, which takes the right to mount.
 */
export async function makeReadOnly(directory: string): Promise<() => Promise<void>> {
  if (process.getuid?.() !== 0) {
    await command('chmod', ['-R', 'a-w', directory]);
    return async () => { await command('chmod', ['-R', 'u+w', directory]); };
  }
  await command('mount', ['--bind', directory, directory]);
  const unmount = async (): Promise<void> => { await command('umount', [directory]); };
  try {
    await command('mount', ['-o', 'remount,bind,ro', directory]);
  } catch (error) {
    await unmount();
    throw error;
  }
  return unmount;
}
