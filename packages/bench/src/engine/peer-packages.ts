import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Peers are compared with, not depended on: they live in a folder of their own, with these versions. */
const PEERS = { 'hnswlib-node': '3.0.0', usearch: '2.26.2' } as const;

export type PeerName = keyof typeof PEERS;

/**
 * Installs the peers into `folder` unless they are there; says what it does. Needs npm, a registry and a C++ compiler, which sees
 * `environment` (CXXFLAGS, for a build that uses all of this machine's instructions).
 */
export function ensurePeers(folder: string, say: (line: string) => void, environment?: Readonly<Record<string, string | undefined>>): void {
  if (Object.keys(PEERS).every((name) => existsSync(join(folder, 'node_modules', name, 'package.json')))) return;
  mkdirSync(folder, { recursive: true });
  const allowScripts = Object.fromEntries(Object.keys(PEERS).map((name) => [name, true]));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ private: true, dependencies: PEERS, allowScripts }, null, 2)}\n`);
  say(`Installing ${Object.entries(PEERS).map(([name, version]) => `${name}@${version}`).join(' and ')} into ${folder} (not dependencies of Shoal)`);
  execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund'], { stdio: 'inherit', cwd: folder, ...(environment === undefined ? {} : { env: { ...environment } }) });
}

/** Loads an installed peer. */
export function loadPeer(folder: string, name: PeerName): unknown {
  return createRequire(join(folder, 'package.json'))(name) as unknown;
}
