/**
 * Gathers what the image holds into a directory: every service with its production dependencies, as the lockfile names them, and
 * the program that starts them. `node deploy/docker/gather.ts DIRECTORY`, in a workspace that is installed and built.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SERVICES = ['gateway', 'shard', 'worker', 'node'];
const COMMAND = 'packages/cli';
/** Files that nothing reads at run time: types, source maps, sources of a library's own build. */
const LEFT_OUT = /(\.d\.[cm]?ts|\.map|\.tsbuildinfo|\.flow|\.md)$/;

interface LockedPackage {
  /** Where a link of the workspace points, or nothing. */
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

type Lockfile = Readonly<Record<string, LockedPackage>>;

/** Where Node would find `name` from the package at `from`, as a path of the lockfile; undefined where it is not locked. */
function locate(locked: Lockfile, from: string, name: string): string | undefined {
  for (let place = from; ; place = place.includes('/') ? dirname(place) : '') {
    const path = place === '' ? `node_modules/${name}` : `${place}/node_modules/${name}`;
    if (locked[path] !== undefined) return path;
    if (place === '') return undefined;
  }
}

/** The paths of the lockfile that the packages at `roots` need at run time, themselves included. */
export function productionClosure(locked: Lockfile, roots: readonly string[]): string[] {
  const found = new Set<string>();
  const open = [...roots];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entry = locked[path];
    if (entry?.link === true && entry.resolved !== undefined) {
      open.push(entry.resolved);
      continue;
    }
    if (entry === undefined || found.has(path)) continue;
    found.add(path);
    // Peers and optional packages come along where they are installed.
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies })) {
      const dependency = locate(locked, path, name);
      if (dependency !== undefined) open.push(dependency);
    }
  }
  return [...found].sort();
}

/** Packages of the workspace are copied to where the others expect them; a nested package stays beneath its own parent. */
async function placeOf(path: string): Promise<string> {
  const at = path.indexOf('/node_modules/');
  if (path.startsWith('node_modules/')) return path;
  const workspace = at === -1 ? path : path.slice(0, at);
  const { name } = JSON.parse(await readFile(join(root, workspace, 'package.json'), 'utf8')) as { name: string };
  return `node_modules/${name}${at === -1 ? '' : path.slice(at)}`;
}

async function copyPackage(path: string, target: string): Promise<void> {
  const source = join(root, path);
  // A package of another platform is locked and not installed.
  if (!existsSync(source)) return;
  const ours = !path.includes('node_modules/');
  const wanted = (file: string): boolean => {
    const [first = '', ...rest] = relative(source, file).split('/');
    if (first === 'node_modules' || rest.includes('node_modules')) return false;
    return !LEFT_OUT.test(file) && (!ours || first === '' || first === 'dist' || first === 'package.json');
  };
  await cp(source, join(target, await placeOf(path)), { recursive: true, filter: wanted, dereference: true });
}

export async function gather(target: string): Promise<void> {
  const { packages: locked } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Lockfile };
  const roots = [...SERVICES.map((service) => `services/${service}`), COMMAND].filter((path) => locked[path] !== undefined);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  for (const path of productionClosure(locked, roots)) await copyPackage(path, target);
  await cp(join(root, 'deploy', 'docker', 'shoal.mjs'), join(target, 'shoal.mjs'));
  await cp(join(root, 'LICENSE'), join(target, 'LICENSE'));
  await writeFile(join(target, 'package.json'), `${JSON.stringify({ name: 'shoal-image', private: true, type: 'module' })}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = process.argv[2];
  if (target === undefined) throw new Error('usage: node deploy/docker/gather.ts DIRECTORY');
  await gather(target);
}
