/**
 * Fetches a program from Debian's unstable suite into a directory of ours, without touching the system: a private package list and
 * cache for apt-get, and dpkg-deb -x for the contents. The mirror is the one that the system itself uses.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

async function isDebian(): Promise<boolean> {
  if (!existsSync('/etc/os-release')) return false;
  return /^ID="?debian"?$/m.test(await readFile('/etc/os-release', 'utf8')) && existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-deb');
}

/** The unpacked package, in `directory`/`name`; undefined where this is no Debian, or its mirror does not answer. */
export async function fetchDebianPackage(name: string, directory: string, say: (text: string) => void): Promise<string | undefined> {
  const target = join(directory, name);
  if (existsSync(target)) return target;
  const mirror = (await isDebian()) ? debianMirrorIn(await sourceTexts()) : undefined;
  if (mirror === undefined) return undefined;
  say(`Fetching ${name} from Debian's unstable suite into ${directory}`);
  await mkdir(directory, { recursive: true });
  const scratch = await mkdtemp(join(directory, 'fetch-'));
  try {
    await download(name, mirror, scratch);
    const archive = (await readdir(scratch)).find((entry) => entry.endsWith('.deb'));
    if (archive === undefined) return undefined;
    await run('dpkg-deb', ['-x', join(scratch, archive), join(scratch, 'root')]);
    // Whoever fetched at the same time has put the same files there.
    if (!existsSync(target)) await rename(join(scratch, 'root'), target);
    return target;
  } catch (error) {
    say(`${name} could not be fetched: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    return undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(name: string, mirror: string, scratch: string): Promise<void> {
  const list = join(scratch, 'unstable.sources');
  await mkdir(join(scratch, 'lists', 'partial'), { recursive: true });
  await mkdir(join(scratch, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(list, `Types: deb\nURIs: ${mirror}\nSuites: unstable\nComponents: main\nSigned-By: ${KEYRING}\n`);
  const options = [
    ['Dir::Etc::sourcelist', list],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::lists', join(scratch, 'lists')],
    ['Dir::Cache', join(scratch, 'cache')],
    // Without root there is no user to change to; with root, `_apt` may not write here.
    ['APT::Sandbox::User', ''],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, '-qq', 'update'], { timeout: FETCH_TIMEOUT_MS });
  await run('apt-get', [...options, '-qq', 'download', name], { cwd: scratch, timeout: FETCH_TIMEOUT_MS });
}
