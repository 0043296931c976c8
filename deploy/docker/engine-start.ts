/**
 * Runs a Docker engine without installing one: Debian's packages unpacked into the cache, `dockerd` as a process of ours with its
 * socket in a temporary directory. Needs root on Debian. The firewall of the machine is left alone.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDebianPackages } from '@shoal/bus/nats-server';
import { DockerEngine, engineCache, engineVersion } from './engine.ts';

const runFile = promisify(execFile);
/** The engine and the libraries that a plain Debian lacks. `tini` is the init of containers that ask for one, `iptables` serves names inside networks. */
const PACKAGES = ['docker.io', 'containerd', 'runc', 'tini', 'iptables', 'libdevmapper1.02.1', 'libip4tc2', 'libip6tc2', 'libmnl0', 'libnetfilter-conntrack3', 'libnfnetlink0', 'libnftnl11', 'libseccomp2', 'libxtables12'];
const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 30_000;
const BRIDGE = 'docker0';

/** Why no engine can be run here; undefined when it can be tried. */
export function cannotStartHere(): string | undefined {
  if (process.platform !== 'linux') return 'an engine of our own runs on Linux only';
  if (process.getuid?.() !== 0) return 'an engine of our own needs root';
  return undefined;
}

export function fetchEngine(cacheDirectory: string, say: (text: string) => void): Promise<string | undefined> {
  return fetchDebianPackages({ names: PACKAGES, suite: 'own', target: engineCache(cacheDirectory).packages, say });
}

async function linkPrograms(packages: string, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const links = { 'docker-init': 'usr/bin/tini-static', iptables: 'usr/sbin/xtables-legacy-multi', ip6tables: 'usr/sbin/xtables-legacy-multi' };
  for (const [name, target] of Object.entries(links)) await symlink(join(packages, target), join(directory, name));
  return [directory, ...['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((each) => join(packages, each))].join(':');
}

/** What an engine of our own leaves in the cache, so that the next run finds it when nobody has ended it. */
interface EngineRecord {
  readonly host: string;
  readonly programs: string;
  readonly engineProcess: number;
  /** The process that ends it. */
  readonly owner: number;
}

function runs(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch {
    return false;
  }
}

/** An engine that another run has started: used beside it, or taken over when that run is gone. */
async function runningEngine(recordPath: string): Promise<DockerEngine | undefined> {
  if (!existsSync(recordPath)) return undefined;
  const { host, programs, engineProcess, owner } = JSON.parse(await readFile(recordPath, 'utf8')) as EngineRecord;
  const version = runs(engineProcess) ? await engineVersion(host, programs) : undefined;
  if (version === undefined) return undefined;
  const end = async (): Promise<void> => {
    if (runs(owner)) return;
    process.kill(engineProcess, 'SIGTERM');
    await rm(recordPath, { force: true });
  };
  return new DockerEngine(host, `Docker ${version} (Debian packages, runs already)`, { programs, end });
}

/** `undefined` where the packages cannot be had; throws with the end of its log when the engine does not come up. */
export async function startEngine(cacheDirectory: string, say: (text: string) => void): Promise<DockerEngine | undefined> {
  const packages = await fetchEngine(cacheDirectory, say);
  if (packages === undefined) return undefined;
  const recordPath = join(cacheDirectory, 'docker-engine.json');
  const running = await runningEngine(recordPath);
  if (running !== undefined) return running;
  const directory = await mkdtemp(join(tmpdir(), 'shoal-docker-'));
  const programs = await linkPrograms(packages, join(directory, 'bin'));
  const { data } = engineCache(cacheDirectory);
  await mkdir(data, { recursive: true });
  const hadBridge = networkInterfaces()[BRIDGE] !== undefined || existsSync(`/sys/class/net/${BRIDGE}`);
  const host = `unix://${join(directory, 'docker.sock')}`;
  const logPath = join(directory, 'dockerd.log');
  const log = await open(logPath, 'w');
  const libraries = ['usr/lib', 'lib'].flatMap((each) => [join(packages, each, `${machine()}-linux-gnu`), join(packages, each)]).join(':');
  const child = spawn(
    'dockerd',
    ['-H', host, '--data-root', data, '--exec-root', join(directory, 'exec'), '-p', join(directory, 'docker.pid'), '--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false'],
    { env: { ...process.env, PATH: `${programs}:${process.env['PATH'] ?? ''}`, LD_LIBRARY_PATH: libraries, XTABLES_LIBDIR: join(packages, 'usr/lib', `${machine()}-linux-gnu`, 'xtables') }, stdio: ['ignore', log.fd, log.fd], detached: true },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  await log.close();
  const end = async (): Promise<void> => {
    await rm(recordPath, { force: true });
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, END_TIMEOUT_MS).unref())]);
    if (!hadBridge) await runFile('ip', ['link', 'delete', BRIDGE]).catch(() => {});
    await rm(directory, { recursive: true, force: true }).catch(() => {});
  };
  const version = await answers(host, programs, ended);
  if (version !== undefined) {
    const record: EngineRecord = { host, programs, engineProcess: child.pid ?? 0, owner: process.pid };
    await writeFile(recordPath, JSON.stringify(record));
    const engine = new DockerEngine(host, `Docker ${version} (Debian packages, run from the cache)`, { programs, end });
    await clearRemains(engine);
    return engine;
  }
  const tail = (await readFile(logPath, 'utf8')).split('\n').slice(-8).join('\n');
  await end();
  throw new Error(`dockerd did not come up:\n${tail}`);
}

/** What a run that was killed has left in our own engine; nobody else uses it. */
async function clearRemains(engine: DockerEngine): Promise<void> {
  const containers = (await engine.docker(['ps', '--all', '--quiet'])).split('\n').filter((each) => each !== '');
  if (containers.length > 0) await engine.docker(['rm', '--force', '--volumes', ...containers]);
  await engine.docker(['network', 'prune', '--force']);
}

function machine(): string {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64';
}

async function answers(host: string, programs: string, ended: Promise<void>): Promise<string | undefined> {
  const gone = ended.then(() => 'gone' as const);
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    const version = await engineVersion(host, programs);
    if (version !== undefined) return version;
    if ((await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 200))])) === 'gone') return undefined;
  }
  return undefined;
}
