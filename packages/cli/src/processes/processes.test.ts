import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startFakeShoal } from '@shoal/client/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runClusterCommand } from '../commands/cluster.ts';
import { clientUrl, runDevCommand } from '../commands/dev.ts';
import { TestSystem } from '../testing/test-system.ts';
import { exitCodeOfChild, startChild } from './child-process.ts';
import { checkClusterOptions } from './cluster-plan.ts';
import { claimDirectory } from './directory-claim.ts';
import { LineSplitter } from './line-prefix.ts';
import { ensureRootKey } from './root-key.ts';

let shoal: TestSystem;
beforeEach(async () => {
  shoal = await TestSystem.create();
});
afterEach(async () => {
  await shoal.remove();
});

/** A service stand-in: serves /readyz on its port if it has one, notes in a file when it starts and ends, and ends on a signal. */
const service = `
  import { appendFileSync } from 'node:fs';
  import { createServer } from 'node:http';
  const { SHOAL_HTTP_PORT: port, SHOAL_SHARD_ID: shard, SHOAL_REPLICAS: replicas, SHOAL_DATA_DIR: data, NOTES: notes, SHOAL_ROOT_KEY: key } = process.env;
  const name = shard ?? 'gateway';
  const note = (text) => appendFileSync(notes, name + ' ' + text + '\\n');
  const end = (signal) => { note(signal); process.exit(0); };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  console.log('replicas ' + replicas + ' key ' + (key === undefined ? 'no' : 'yes') + ' pid ' + process.pid);
  if (port === undefined) { note('up'); setInterval(() => {}, 1000); }
  else createServer((request, response) => response.end('{"status":"ready"}')).listen(Number(port), '127.0.0.1', () => note('up'));
`;

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function notesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(10);
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a child that ignores its signal is killed after the deadline', async () => {
  const entry = await shoal.write('deaf.mjs', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);");
  const lines: string[] = [];
  const child = startChild({ name: 'deaf', entry, environment: { PATH: process.env['PATH'] }, onLine: (line) => lines.push(line) });
  await until(() => lines.includes('up'));
  const exit = await child.end('SIGTERM', 50);
  expect(exit).toEqual({ code: null, signal: 'SIGKILL' });
  expect(exitCodeOfChild(exit)).toBe(137);
  expect(await child.end('SIGTERM', 50)).toEqual(exit);
});

test('a child ends in order when its parent is killed', async () => {
  const notes = join(shoal.directory, 'notes');
  const entry = await shoal.write('service.mjs', service);
  const parent = await shoal.write(
    'parent.mjs',
    `const { startChild } = await import(${JSON.stringify(new URL('./child-process.ts', import.meta.url).href)});
     startChild({ name: 'x', entry: ${JSON.stringify(entry)}, environment: { ...process.env, NOTES: ${JSON.stringify(notes)} } });
     setInterval(() => {}, 1000);`,
  );
  const running = spawn(process.execPath, [parent], { stdio: 'ignore' });
  await until(async () => (await notesOf(notes)).includes('gateway up'));
  running.kill('SIGKILL');
  await once(running, 'exit');
  await until(async () => (await notesOf(notes)).includes('gateway SIGTERM'));
  expect(running.pid !== undefined && isAlive(running.pid)).toBe(false);
});

test('dev passes its settings and the signal on, and takes over the exit code', async () => {
  const notes = join(shoal.directory, 'notes');
  const entry = await shoal.write('service.mjs', service);
  const system = { ...shoal.system(), childEnvironment: { NOTES: notes } };
  const running = runDevCommand({ host: '127.0.0.1', port: await freePort(), dataDir: 'data', demo: false }, entry, system);
  await until(async () => (await notesOf(notes)).length > 0);
  shoal.interrupt();
  await running;
  expect(await notesOf(notes)).toEqual(['gateway up', 'gateway SIGINT']);
  const failing = await shoal.write('failing.mjs', 'process.exit(3);');
  const options = { host: '127.0.0.1', port: 0, dataDir: 'data', demo: false };
  await expect(runDevCommand(options, failing, new TestSystem(shoal.directory).system())).rejects.toMatchObject({ exitCode: 3 });
  await expect(runDevCommand({ ...options, demo: true }, failing, new TestSystem(shoal.directory).system())).rejects.toMatchObject({ code: 'invalid_field' });
});

test('an address that is not of this machine is refused in one sentence', async () => {
  const options = { host: '192.0.2.1', port: 7700, dataDir: 'data', demo: false };
  await expect(runDevCommand(options, 'nothing is started', shoal.system())).rejects.toMatchObject({ code: 'invalid_configuration' });
});

test('the demo ends with its node, and never talks to another server on the port', async () => {
  const failing = await shoal.write('failing.mjs', 'process.exit(3);');
  const stranger = await startFakeShoal();
  const port = Number(new URL(stranger.url).port);
  try {
    await expect(runDevCommand({ host: '127.0.0.1', port, dataDir: 'data', demo: true }, failing, shoal.system())).rejects.toMatchObject({ code: 'port_in_use' });
    expect(stranger.requests).toEqual([]);
    const free = { host: '127.0.0.1', port: await freePort(), dataDir: 'data', demo: true };
    await expect(runDevCommand(free, failing, shoal.system())).rejects.toMatchObject({ exitCode: 3 });
    expect(shoal.out + shoal.err).toBe('');
  } finally {
    await stranger.close();
  }
});

test.each([
  ['127.0.0.1', 'http://127.0.0.1:7'],
  ['0.0.0.0', 'http://127.0.0.1:7'],
  ['::', 'http://[::1]:7'],
  ['fe80::1', 'http://[fe80::1]:7'],
  ['shoal.local', 'http://shoal.local:7'],
])('a node that listens on %s is called at %s', (host, url) => {
  expect(clientUrl(host, 7)).toBe(url);
});

interface ClusterRun {
  readonly notes: string;
  readonly running: Promise<void>;
  readonly brokerStopped: () => boolean;
  readonly killBroker: () => void;
}

async function startCluster(entries: { shard?: string; port?: number } = {}): Promise<ClusterRun> {
  const notes = join(shoal.directory, 'notes');
  const entry = await shoal.write('service.mjs', service);
  let stopped = false;
  let killBroker = (): void => {};
  const died = new Promise<void>((resolve) => {
    killBroker = resolve;
  });
  const startBroker = async () => ({ url: 'nats://fake', description: 'a broker', died, stop: async () => void (stopped = true) });
  const options = { shards: 3, gateways: 1, port: await freePort(), slots: 64, streams: 4, replicas: 2, dataDir: 'data' };
  const system = { ...shoal.system(), childEnvironment: { NOTES: notes } };
  const running = runClusterCommand(options, { shardEntry: entries.shard ?? entry, gatewayEntry: entry, startBroker }, system);
  return { notes, running, brokerStopped: () => stopped, killBroker };
}

test('a cluster starts with its settings and ends in the reverse order', async () => {
  const { notes, running, brokerStopped } = await startCluster();
  await until(() => shoal.out.includes('ctrl-C ends'));
  await until(async () => (await notesOf(notes)).length === 4);
  expect((await notesOf(notes)).sort()).toEqual(['gateway up', 'shard-1 up', 'shard-2 up', 'shard-3 up']);
  expect(shoal.out).toMatch(/^shard-1 {4}\| replicas 2 key no pid \d+$/m);
  expect(shoal.out).toMatch(/^shard-3 {4}\| replicas 2 key no pid \d+$/m);
  expect(shoal.out).toMatch(/^gateway-1 {2}\| replicas 2 key yes pid \d+$/m);
  shoal.interrupt();
  await running;
  expect((await notesOf(notes)).slice(4)).toEqual(['gateway SIGTERM', 'shard-3 SIGTERM', 'shard-2 SIGTERM', 'shard-1 SIGTERM']);
  expect(brokerStopped()).toBe(true);
});

test('a child that dies while the cluster starts ends everything with exit code 1', async () => {
  const shard = await shoal.write('failing.mjs', "console.error('no disk'); process.exit(4);");
  const gatewayNeverReady = await startCluster({ shard });
  await expect(gatewayNeverReady.running).rejects.toMatchObject({ exitCode: 1 });
  expect(shoal.err).toMatch(/^shoal: shard-[123] ended with exit code 4; the cluster cannot start\n/);
  expect(shoal.out).toMatch(/^shard-[123] {4}\| no disk$/m);
  expect(gatewayNeverReady.brokerStopped()).toBe(true);
});

test('a child that dies later is reported, and the others go on', async () => {
  const { notes, running } = await startCluster();
  await until(async () => shoal.out.includes('ctrl-C ends') && (await notesOf(notes)).length === 4);
  const pid = Number(/shard-2 {4}\| replicas 2 key no pid (\d+)/.exec(shoal.out)?.[1]);
  process.kill(pid, 'SIGKILL');
  await until(() => shoal.err !== '');
  expect(shoal.err).toBe('shoal: shard-2 was ended by SIGKILL; the others go on\n');
  shoal.interrupt();
  await running;
  expect((await notesOf(notes)).slice(4)).toEqual(['gateway SIGTERM', 'shard-3 SIGTERM', 'shard-1 SIGTERM']);
});

test('a broker that dies ends the cluster', async () => {
  const { running, killBroker } = await startCluster();
  await until(() => shoal.out.includes('ctrl-C ends'));
  killBroker();
  await expect(running).rejects.toMatchObject({ exitCode: 1 });
  expect(shoal.err).toContain('nats-server ended');
});

test('a cluster refuses a taken port before it starts anything', async () => {
  const { createServer } = await import('node:net');
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const address = stranger.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const startBroker = async () => await Promise.reject(new Error('nothing may be started'));
  const options = { shards: 1, gateways: 2, port: port - 1, slots: 4, streams: 1, replicas: 1, dataDir: 'data' };
  const running = runClusterCommand(options, { shardEntry: '', gatewayEntry: '', startBroker }, shoal.system());
  await expect(running).rejects.toMatchObject({ code: 'port_in_use' });
  stranger.close();
});

test('a directory is claimed by one cluster at a time', async () => {
  const first = await claimDirectory(shoal.directory);
  await expect(claimDirectory(join(shoal.directory, '.'))).rejects.toMatchObject({ code: 'directory_locked' });
  await first.release();
  await (await claimDirectory(shoal.directory)).release();
});

test.each([{ shards: 5, slots: 4 }, { streams: 5, slots: 4, shards: 1 }, { port: 65_535, gateways: 2 }])('cluster options %j are refused', (options) => {
  expect(() => checkClusterOptions({ shards: 3, gateways: 1, port: 7700, slots: 64, streams: 4, replicas: 2, ...options })).toThrow(expect.objectContaining({ code: 'invalid_field' }));
});

test('the root key is made once and only its owner can read it', async () => {
  const data = join(shoal.directory, 'data');
  const key = await ensureRootKey(data);
  expect(key).toMatch(/^shoal_[\w-]{32}$/);
  expect(await ensureRootKey(data)).toBe(key);
  expect((await stat(join(data, 'root-key'))).mode & 0o777).toBe(0o600);
  await expect(ensureRootKey(await shoal.write('a-file', ''))).rejects.toMatchObject({ code: 'directory_unusable' });
});

test('output is cut into the same lines however it arrives', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, '')), { minLength: 1 }), fc.array(fc.nat(20)), (texts, cuts) => {
      const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
      const lines: string[] = [];
      const splitter = new LineSplitter((line) => lines.push(line));
      let start = 0;
      for (const cut of cuts) {
        splitter.push(bytes.subarray(start, start + cut));
        start = Math.min(bytes.length, start + cut);
      }
      splitter.push(bytes.subarray(start));
      splitter.end();
      expect(lines).toEqual(texts);
    }),
  );
});
