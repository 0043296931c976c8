/**
 * Fetches programs from Debian into a directory of ours, without touching the system: a private package list and cache for
 * apt-get, and dpkg-deb -x for the contents. The mirror is the one that the system itself uses.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCES = '/etc/apt';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const FETCH_TIMEOUT_MS = 180_000;

async function sourceTexts(): Promise<string[]> {
  const folder = join(SOURCES, 'sources.list.d');
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(folder, name)) : [];
  const paths = [join(SOURCES, 'sources.list'), ...names].filter((path) => existsSync(path));
  return Promise.all(paths.map((path) => readFile(path, 'utf8')));
}

/**
 * The address of the first Debian mirror with a component `main` in apt's sources, in the one-line or the deb822 form; archives of
 * security updates are passed over, because they carry no unstable suite.
 */
export function debianMirrorIn(texts: readonly string[]): string | undefined {
  const addresses = texts.flatMap((text) => {
    const lines = [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+\s+(?:.*\s)?main\b/gm)].map((match) => match[1] ?? '');
    const blocks = text.split(/\n\s*\n/).filter((block) => /^Types:.*\bdeb\b(?!-)/m.test(block) && /^Components:.*\bmain\b/m.test(block));
    return [...lines, ...blocks.map((block) => /^URIs:\s*(\S+)/m.exec(block)?.[1] ?? '')];
  });
  return addresses.find((address) => /\/debian\/?$/.test(address));
}

/** The suite of the Debian that this is, such as `bookworm`; undefined elsewhere, and where its tools are missing. */
async function ownSuite(): Promise<string | undefined> {
  if (!existsSync('/etc/os-release') || !existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) return undefined;
  const release = await readFile('/etc/os-release', 'utf8');
  if (!/^ID="?debian"?$/m.test(release)) return undefined;
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1] ?? 'unstable';
}

/** Packages that are unpacked over each other into one directory. */
export interface DebianPackages {
  /** Exactly these are fetched; what they depend on is named as well, or is part of every system. */
  readonly names: readonly string[];
  /** `own` is the suite that the system itself is, `unstable` the newest versions. */
  readonly suite: 'own' | 'unstable';
  /** The directory that will hold the files. Where it exists it is taken as it is. */
  readonly target: string;
  readonly say: (text: string) => void;
}

/** The directory with the unpacked packages; undefined where this is no Debian, or its mirror does not answer. */
export async function fetchDebianPackages({ names, suite, target, say }: DebianPackages): Promise<string | undefined> {
  if (existsSync(target)) return target;
  const own = await ownSuite();
  const mirror = own === undefined ? undefined : debianMirrorIn(await sourceTexts());
  if (own === undefined || mirror === undefined) return undefined;
  const named = suite === 'own' ? own : 'unstable';
  say(`Fetching ${names.join(', ')} from Debian ${named} into ${target}`);
  await mkdir(dirname(target), { recursive: true });
  const scratch = await mkdtemp(join(dirname(target), 'fetch-'));
  try {
    await download(names, named, mirror, scratch);
    const archives = (await readdir(scratch)).filter((entry) => entry.endsWith('.deb'));
    for (const archive of archives) await run('dpkg-deb', ['-x', join(scratch, archive), join(scratch, 'root')]);
    // Whoever fetched at the same time has put the same files there.
    if (!existsSync(target)) await rename(join(scratch, 'root'), target);
    return target;
  } catch (error) {
    say(`${names.join(', ')} could not be fetched: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    return undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(names: readonly string[], suite: string, mirror: string, scratch: string): Promise<void> {
  const list = join(scratch, 'private.sources');
  await mkdir(join(scratch, 'lists', 'partial'), { recursive: true });
  await mkdir(join(scratch, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(list, `Types: deb\nURIs: ${mirror}\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYRING}\n`);
  const options = [
    ['Dir::Etc::sourcelist', list],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::lists', join(scratch, 'lists')],
    ['Dir::Cache', join(scratch, 'cache')],
    // Without root there is no user to change to; with root, `_apt` may not write here.
    ['APT::Sandbox::User', ''],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, '-qq', 'update'], { timeout: FETCH_TIMEOUT_MS });
  await run('apt-get', [...options, '-qq', 'download', ...names], { cwd: scratch, timeout: FETCH_TIMEOUT_MS });
}
