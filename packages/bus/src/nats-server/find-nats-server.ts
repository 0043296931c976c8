/** Finds a nats-server that is new enough: on the PATH, in the cache, or fetched into the cache. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fetchDebianPackages } from './debian-package.ts';
import { MINIMUM_SERVER_VERSION, isNewEnough, versionOfBinary } from './server-version.ts';

export interface FoundServer {
  readonly path: string;
  readonly version: string;
  /** Where it came from, for people: `PATH`, `cache` or `Debian package`. */
  readonly source: string;
}

export interface FindOptions {
  /** Directory for fetched servers, for example `.cache/servers`. */
  readonly cacheDirectory: string;
  /** Directories of programs, as in the environment variable PATH. */
  readonly searchPath: string;
  readonly say: (text: string) => void;
}

async function usable(path: string, source: string, say: (text: string) => void): Promise<FoundServer | undefined> {
  if (!existsSync(path)) return undefined;
  const version = await versionOfBinary(path);
  if (version !== undefined && isNewEnough(version)) return { path, version, source };
  say(`Passing over ${path}: ${version === undefined ? 'it does not run here' : `version ${version} is older than ${MINIMUM_SERVER_VERSION}`}`);
  return undefined;
}

/** Undefined when there is none and none can be fetched. */
export async function findNatsServer({ cacheDirectory, searchPath, say }: FindOptions): Promise<FoundServer | undefined> {
  for (const directory of searchPath.split(delimiter).filter((entry) => entry !== '')) {
    const found = await usable(join(directory, 'nats-server'), 'PATH', say);
    if (found !== undefined) return found;
  }
  const inPackage = join(cacheDirectory, 'nats-server', 'usr', 'sbin', 'nats-server');
  const cached = await usable(inPackage, 'cache', say);
  if (cached !== undefined) return cached;
  const fetched = await fetchDebianPackages({ names: ['nats-server'], suite: 'unstable', target: join(cacheDirectory, 'nats-server'), say });
  return fetched === undefined ? undefined : usable(inPackage, 'Debian package', say);
}
