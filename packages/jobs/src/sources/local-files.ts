/** Files and directories of this machine, inside the directories that the operator has opened to imports. */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FORMAT_EXTENSIONS } from '../formats/file-format.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ByteSource, SourceFile } from './byte-source.ts';
import { invalidSource, refusedSource, unavailableSource } from './source-failure.ts';

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The path without symbolic links, if it lies in one of the directories. */
async function allowedPath(name: string, path: string, directories: readonly string[]): Promise<string> {
  const roots = await Promise.all(directories.map((directory) => realpath(directory).catch(() => directory)));
  let real: string;
  try {
    real = await realpath(path);
  } catch (cause) {
    // Whether a file exists outside the open directories is nobody's business.
    if (!roots.some((root) => isInside(path, root))) throw refused(name);
    throw invalidSource(name, 'there is no such file or directory that this process can see.', cause);
  }
  if (!roots.some((root) => isInside(real, root))) throw refused(name);
  return real;
}

function refused(name: string): Error {
  return refusedSource(name, 'it lies in no directory that is open to imports; SHOAL_IMPORT_DIRS of the worker (of the node, when embedded) lists them.');
}

export async function openLocalFile(name: string, path: string): Promise<ByteSource> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unavailableSource(name, 'the file cannot be opened.', cause);
  });
  const { size, mtimeMs } = await handle.stat();
  return {
    name,
    sizeBytes: size,
    version: `${size}-${mtimeMs}`,
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    localPath: async () => path,
    close: () => handle.close(),
  };
}

async function filesUnder(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && Object.hasOwn(FORMAT_EXTENSIONS, extname(entry.name).slice(1).toLowerCase()));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** The file that a path or file: URL names, or all files under the directory whose extension names a format, by name. */
export async function localSourceFiles(address: string, directories: readonly string[]): Promise<SourceFile[]> {
  const path = address.startsWith('file:') ? fileURLToPath(address) : address;
  if (!isAbsolute(path)) throw invalidSource(address, 'the path must be absolute.');
  const real = await allowedPath(address, path, directories);
  const isDirectory = (await stat(real)).isDirectory();
  const paths = isDirectory ? await filesUnder(real) : [real];
  if (paths.length === 0) throw invalidSource(address, 'the directory has no file whose extension names a format.');
  if (paths.length > JOB_LIMITS.files) throw invalidSource(address, `the directory has more than ${JOB_LIMITS.files} files.`);
  return paths.map((file) => ({
    name: file,
    // A link may have been put in the file's place since.
    open: async () => openLocalFile(file, await allowedPath(file, file, directories)),
  }));
}
