import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@shoal/bus/nats-server';
import { PLACEMENT_KEYS, parseShardId } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NatsProxy, type ProxyFaults } from '../harness/nats-proxy.ts';
import { startNatsServer, type NatsServer } from '../harness/nats-server.ts';
import { ServiceProcess, untilReady } from '../harness/service-process.ts';

const SHARD = parseShardId('only');
/** The first steps of a start that ask something, and the last one of a shard that must not fail. */
const STEPS = { server: '$JS.API.INFO', streams: '$JS.API.STREAM.CREATE.SHOAL_MUT_0', lease: `$KV.SHOAL_REG.${PLACEMENT_KEYS.member(SHARD)} ` } as const;

let directory: string;
let nats: NatsServer;
let proxy: NatsProxy | undefined;
let processes: ServiceProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-start-'));
  nats = await startNatsServer();
  processes = [];
});

afterEach(async () => {
  for (const process of processes) await process.end('SIGKILL');
  await proxy?.close();
  proxy = undefined;
  await nats.close();
  await rm(directory, { recursive: true, force: true });
});

function start(service: 'gateway' | 'shard', natsUrl: string, settings: Readonly<Record<string, string>>): ServiceProcess {
  const process = new ServiceProcess(service, service, { SHOAL_NATS_URL: natsUrl, SHOAL_SLOTS: '4', SHOAL_STREAMS: '2', SHOAL_REPLICAS: '1', ...settings });
  process.start();
  processes.push(process);
  return process;
}

const startShard = (natsUrl: string): ServiceProcess => start('shard', natsUrl, { SHOAL_SHARD_ID: SHARD, SHOAL_DATA_DIR: directory, SHOAL_SEARCH_THREADS: '1' });

async function startGateway(natsUrl: string): Promise<string> {
  const port = String(await freePort());
  start('gateway', natsUrl, { SHOAL_HTTP_PORT: port, SHOAL_ROOT_KEY: 'key' });
  return `http://127.0.0.1:${port}`;
}

async function disturb(faults: ProxyFaults): Promise<NatsProxy> {
  proxy = await NatsProxy.start(nats.url, faults);
  return proxy;
}

/** The logs say which tries failed, one line each. */
const retryCount = (): number => processes.flatMap(({ output }) => output.split('\n')).filter((line) => line.includes('"level":40') && line.includes('cannot start yet')).length;

describe('a start that is interrupted', () => {
  it('goes on when the first server that is reached stands still', async () => {
    const { url: natsUrl } = await disturb({ silentConnections: 2 });
    const url = await startGateway(natsUrl);
    startShard(natsUrl);
    await untilReady(url, processes);
    expect(retryCount()).toBe(2);
  });

  it('goes on when the server is killed in its midst, and comes back', async () => {
    const away = async (): Promise<void> => {
      await nats.stop('SIGKILL');
      await sleep(500);
      await nats.start();
    };
    const { url: natsUrl, cuts } = await disturb({ cutAt: Object.values(STEPS), away });
    const url = await startGateway(natsUrl);
    startShard(natsUrl);
    await untilReady(url, processes);
    expect(cuts.toSorted()).toEqual(Object.values(STEPS).toSorted());
    expect(retryCount()).toBeGreaterThanOrEqual(cuts.length);
  });

  it('ends with code 0 when it is told to while the server is away', async () => {
    const silent = await disturb({ silentConnections: Number.POSITIVE_INFINITY });
    const shard = startShard(silent.url);
    while (silent.connectionCount === 0) await sleep(20);
    expect(await shard.end('SIGTERM')).toBe(0);
  });
});
