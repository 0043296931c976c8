/** Finds a redis-server that is new enough: on the PATH, in the cache, or fetched into the cache from Debian. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { compareVersions, fetchDebianPackages, type FindOptions } from '@shoal/bus/nats-server';

const run = promisify(execFile);
const ASK_TIMEOUT_MS = 5_000;
/** The program and the libraries that a bare system lacks. */
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'];

/** What the queues need. */
export const MINIMUM_REDIS_VERSION = '6.2.0';

export interface FoundRedisServer {
  readonly path: string;
  readonly version: string;
  /** Where it came from, for people: `PATH`, `cache` or `Debian package`. */
  readonly source: string;
  /** Where its libraries are, when not in the system's own places. */
  readonly libraryPath?: string;
}

export function libraryEnvironment({ libraryPath }: Pick<FoundRedisServer, 'libraryPath'>): Readonly<Record<string, string>> {
  return libraryPath === undefined ? {} : { LD_LIBRARY_PATH: libraryPath };
}

async function usable(path: string, source: string, say: (text: string) => void, libraryPath?: string): Promise<FoundRedisServer | undefined> {
  if (!existsSync(path)) return undefined;
  const libraries = libraryPath === undefined ? {} : { libraryPath };
  let version: string | undefined;
  try {
    const { stdout } = await run(path, ['--version'], { timeout: ASK_TIMEOUT_MS, env: { ...libraryEnvironment(libraries) } });
    version = /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    version = undefined;
  }
  if (version !== undefined && compareVersions(version, MINIMUM_REDIS_VERSION) >= 0) return { path, version, source, ...libraries };
  say(`Passing over ${path}: ${version === undefined ? 'it does not run here' : `version ${version} is older than ${MINIMUM_REDIS_VERSION}`}`);
  return undefined;
}

/** The unpacked package, whose libraries lie in a directory that is named after the machine's architecture. */
async function unpacked(directory: string, source: string, say: (text: string) => void): Promise<FoundRedisServer | undefined> {
  const libraries = join(directory, 'usr', 'lib');
  const architecture = existsSync(libraries) ? (await readdir(libraries)).find((name) => name.includes('-linux-')) : undefined;
  return architecture === undefined ? undefined : usable(join(directory, 'usr', 'bin', 'redis-server'), source, say, join(libraries, architecture));
}

/** Undefined when there is none and none can be fetched. */
export async function findRedisServer({ cacheDirectory, searchPath, say }: FindOptions): Promise<FoundRedisServer | undefined> {
  for (const directory of searchPath.split(delimiter).filter((entry) => entry !== '')) {
    const found = await usable(join(directory, 'redis-server'), 'PATH', say);
    if (found !== undefined) return found;
  }
  const target = join(cacheDirectory, 'redis-server');
  const cached = await unpacked(target, 'cache', say);
  if (cached !== undefined) return cached;
  const fetched = await fetchDebianPackages({ names: PACKAGES, suite: 'own', target, say });
  return fetched === undefined ? undefined : unpacked(fetched, 'Debian package', say);
}
