/** Root filesystems of images, put together from programs of this machine and of unpacked Debian packages. */
import { execFile } from 'node:child_process';
import { copyFile, chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const runFile = promisify(execFile);

export interface RootFilesystem {
  /** Absolute path in the image -> file of this machine; the shared libraries that it needs come along. */
  readonly programs: Readonly<Record<string, string>>;
  /** Where libraries are looked for besides the system's own places. */
  readonly libraryPath?: readonly string[];
  /** Names in /bin that are busybox. */
  readonly busybox?: { readonly path: string; readonly names: readonly string[] };
  /** Directories to create, with their mode. */
  readonly directories?: Readonly<Record<string, number>>;
}

/** The shared libraries of a program, by the path that it will look for; none for a program without any. */
async function sharedLibraries(program: string, libraryPath: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await runFile('ldd', [program], { env: { ...process.env, LD_LIBRARY_PATH: libraryPath.join(':') } }).catch(() => ({ stdout: '' }));
  const found = new Map<string, string>();
  for (const match of stdout.matchAll(/^\s*(?:(\S+) => )?(\/\S+) \(0x/gm)) {
    const path = match[2] ?? '';
    // The loader is named by its path; everything else goes where the loader looks.
    found.set(match[1] === undefined ? path : join('/lib', match[1]), path);
  }
  return found;
}

async function copyInto(directory: string, place: string, source: string): Promise<void> {
  const target = join(directory, place);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(await realpath(source), target);
  await chmod(target, 0o755);
}

/** Fills `directory`. User 1000 is `node`, as in the images of Node. */
export async function fillRootFilesystem(directory: string, { programs, libraryPath = [], busybox, directories = {} }: RootFilesystem): Promise<void> {
  const libraries = new Map<string, string>();
  for (const [place, source] of Object.entries(programs)) {
    await copyInto(directory, place, source);
    for (const [name, path] of await sharedLibraries(source, libraryPath)) libraries.set(name, path);
  }
  for (const [place, source] of libraries) await copyInto(directory, place, source);
  if (busybox !== undefined) {
    await copyInto(directory, '/bin/busybox', busybox.path);
    for (const name of busybox.names) await symlink('busybox', join(directory, 'bin', name));
    await mkdir(join(directory, 'usr', 'bin'), { recursive: true });
    await symlink('/bin/busybox', join(directory, 'usr', 'bin', 'env'));
  }
  await mkdir(join(directory, 'etc'), { recursive: true });
  await writeFile(join(directory, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n');
  await writeFile(join(directory, 'etc', 'group'), 'root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n');
  await writeFile(join(directory, 'etc', 'nsswitch.conf'), 'hosts: files dns\n');
  for (const [place, mode] of Object.entries({ '/tmp': 0o1777, '/root': 0o700, ...directories })) {
    await mkdir(join(directory, place), { recursive: true });
    await chmod(join(directory, place), mode);
  }
}
