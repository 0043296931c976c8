/**
 * Images that Shoal's image and its clusters are built upon, for machines where no registry answers: made of this machine's Node and
 * of Debian's packages, under the names that the registry has, with the parts that Shoal uses. An image that is there, or can be
 * pulled, is taken instead.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchDebianPackages, findNatsServer } from '@shoal/bus/nats-server';
import type { DockerEngine } from './engine.ts';
import { fillRootFilesystem, type RootFilesystem } from './root-filesystem.ts';

export const IMAGES = {
  node: 'node:24-slim',
  nats: 'nats:2.15-alpine',
  redis: 'redis:7-alpine',
  prometheus: 'prom/prometheus:v3.5.0',
} as const;
export type BaseImage = keyof typeof IMAGES;

export interface ImageWork {
  readonly engine: DockerEngine;
  /** `.cache/servers` of the repository. */
  readonly cacheDirectory: string;
  readonly say: (text: string) => void;
}

const PULL_TIMEOUT_MS = 300_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Recipe {
  readonly filesystem: RootFilesystem;
  /** Instructions of a Dockerfile that the image carries. */
  readonly changes: readonly string[];
}

async function packages(work: ImageWork, name: string, names: readonly string[]): Promise<string> {
  const found = await fetchDebianPackages({ names, suite: 'own', target: join(work.cacheDirectory, name), say: work.say });
  if (found === undefined) throw new Error(`no registry has the image, and it can be made on Debian only, with a mirror that answers (${names.join(', ')})`);
  return found;
}

async function busybox(work: ImageWork, names: readonly string[]): Promise<{ path: string; names: readonly string[] }> {
  return { path: join(await packages(work, 'busybox', ['busybox-static']), 'bin', 'busybox'), names };
}

const SHELL = ['sh', 'cat', 'chmod', 'chown', 'cp', 'echo', 'grep', 'id', 'ls', 'mkdir', 'mv', 'rm', 'sed', 'sleep', 'test', 'uname', 'wget', 'which'];

const RECIPES: Readonly<Record<BaseImage, (work: ImageWork) => Promise<Recipe>>> = {
  async node(work) {
    return {
      filesystem: { programs: { '/usr/local/bin/node': process.execPath }, busybox: await busybox(work, SHELL), directories: { '/home/node': 0o755 } },
      changes: ['CMD ["node"]'],
    };
  },
  async nats(work) {
    const server = await findNatsServer({ cacheDirectory: work.cacheDirectory, searchPath: '', say: work.say });
    if (server === undefined) throw new Error('no nats-server could be fetched for its image');
    return {
      filesystem: { programs: { '/usr/local/bin/nats-server': server.path }, busybox: await busybox(work, SHELL) },
      changes: ['ENTRYPOINT ["nats-server"]', 'EXPOSE 4222 6222 8222'],
    };
  },
  async redis(work) {
    const unpacked = await packages(work, 'redis-server', ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1']);
    const libraries = process.arch === 'arm64' ? 'usr/lib/aarch64-linux-gnu' : 'usr/lib/x86_64-linux-gnu';
    return {
      filesystem: {
        programs: { '/usr/local/bin/redis-server': join(unpacked, 'usr/bin/redis-check-rdb'), '/usr/local/bin/redis-cli': join(unpacked, 'usr/bin/redis-cli') },
        libraryPath: [join(unpacked, libraries)],
        busybox: await busybox(work, SHELL),
        directories: { '/data': 0o777 },
      },
      changes: ['WORKDIR /data', 'CMD ["redis-server"]', 'EXPOSE 6379'],
    };
  },
  async prometheus(work) {
    const unpacked = await packages(work, 'prometheus-image', ['prometheus']);
    return {
      filesystem: { programs: { '/bin/prometheus': join(unpacked, 'usr/bin/prometheus') }, busybox: await busybox(work, SHELL), directories: { '/prometheus': 0o777 } },
      changes: ['ENTRYPOINT ["/bin/prometheus"]', 'USER nobody', 'WORKDIR /prometheus', 'EXPOSE 9090'],
    };
  },
};

/** Whom this machine trusts; the registry of packages may be reached through a proxy that signs anew. */
export const SYSTEM_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** npm of this machine goes into the image where it shall install packages; services need none. */
export async function makeBaseImage(work: ImageWork, name: BaseImage, tag: string, options: { npm?: boolean } = {}): Promise<void> {
  const { filesystem, changes } = await RECIPES[name](work);
  const directory = await mkdtemp(join(tmpdir(), 'shoal-image-'));
  try {
    await fillRootFilesystem(directory, filesystem);
    if (options.npm === true) await addNpm(directory);
    const path = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    await work.engine.docker(['import', ...[path, ...changes].flatMap((change) => ['--change', change]), '-', tag], { from: ['tar', '-C', directory, '--owner=0', '--group=0', '-c', '.'] });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function addNpm(directory: string): Promise<void> {
  const { cp, symlink } = await import('node:fs/promises');
  const places = ['/usr/local/lib/node_modules/npm', '/usr/lib/node_modules/npm', '/usr/share/nodejs/npm', join(dirname(process.execPath), '../lib/node_modules/npm')];
  const npm = places.find((place) => existsSync(place));
  if (npm === undefined) throw new Error(`npm is in none of ${places.join(', ')}`);
  await cp(npm, join(directory, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
  for (const name of ['npm', 'npx']) await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(directory, 'usr/local/bin', name));
  await cp(SYSTEM_CERTIFICATES, join(directory, SYSTEM_CERTIFICATES));
}

/** Where the repository's cache of servers is. */
export const serverCache = join(root, '.cache', 'servers');

/** The image under its usual name: there already, pulled, or made here. Says which. */
export async function ensureBaseImage(work: ImageWork, name: BaseImage): Promise<string> {
  const tag = IMAGES[name];
  if (await work.engine.has(tag)) return tag;
  try {
    await work.engine.docker(['pull', '--quiet', tag], { timeoutMs: PULL_TIMEOUT_MS });
    work.say(`${tag}: pulled`);
  } catch {
    const startedAtMs = Date.now();
    await makeBaseImage(work, name, tag);
    work.say(`${tag}: no registry answers; made here in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
  }
  return tag;
}
