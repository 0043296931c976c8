import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NODE_FLAGS, SECRET_SETTINGS } from '@shoal/process';
import { parseShardEnvironment } from '@shoal/shard';
import { IMAGES } from '../../deploy/docker/base-images.ts';
import { parseGatewayConfig } from '../../services/gateway/src/config.ts';
import { parseWorkerConfig } from '../../services/worker/src/config.ts';
import { readFile, root } from './source-files.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: object;
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly profiles?: readonly string[];
}

interface Composition {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, object>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const composition = parse(readFile('docker-compose.yml'), { merge: true }) as Composition;
const services = Object.entries(composition.services);
/** What compose puts in for `${NAME:-value}` when NAME is not set. */
const filledIn = (text: string): string => text.replaceAll(/\$\{[A-Z_0-9]+:-([^}]*)\}/g, '$1');

/** The environment of a service as its process sees it, with every secret given by value. */
function environmentOf(service: Service): Record<string, string> {
  const entries = Object.entries(service.environment ?? {}).map(([name, value]): [string, string] => [name, filledIn(String(value))]);
  return Object.fromEntries(entries.map(([name, value]) => [name.replace(/_FILE$/, ''), name === 'SHOAL_REDIS_URL_FILE' ? 'redis://redis:6379' : value]));
}

const ofKind = (kind: string): Service[] => services.map(([, service]) => service).filter((service) => service.command?.[0] === kind);

describe('docker-compose.yml', () => {
  it('names only networks, volumes, secrets and files that are there', () => {
    const wrong = services.flatMap(([name, service]) => [
      ...(service.networks ?? []).filter((each) => composition.networks[each] === undefined),
      ...(service.secrets ?? []).filter((each) => composition.secrets[each] === undefined),
      ...(service.volumes ?? []).map((each) => each.split(':')[0] ?? '').filter((each) => (each.startsWith('.') ? !existsSync(join(root, each)) : !(each in composition.volumes))),
    ].map((each) => `${name}: ${each}`));
    expect(wrong).toEqual([]);
  });

  it('hands over secrets that the script writes, and reads none from the environment', () => {
    const script = readFile('deploy/docker/secrets.mjs');
    for (const [name, { file }] of Object.entries(composition.secrets)) {
      expect(file).toBe(`./.secrets/${name}`);
      expect(script).toContain(`secret('${name}'`);
    }
    const open = services.flatMap(([, service]) => Object.keys(service.environment ?? {})).filter((name) => SECRET_SETTINGS.some((secret) => secret === name && secret !== 'SHOAL_NATS_URL'));
    expect(open).toEqual([]);
    const files = services.flatMap(([, service]) => Object.entries(service.environment ?? {})).filter(([name]) => name.startsWith('SHOAL_') && name.endsWith('_FILE'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter(([name, path]) => !SECRET_SETTINGS.some((secret) => `${secret}_FILE` === name) || !String(path).startsWith('/run/secrets/'))).toEqual([]);
  });

  it('gives every service limits, a health check of its own or of the image, and a restart policy', () => {
    const ownImage = (service: Service): boolean => service.image.includes('shoal:');
    expect(readFile('deploy/docker/Dockerfile')).toMatch(/^HEALTHCHECK /m);
    expect(services.filter(([, service]) => service.mem_limit === undefined || service.restart !== 'unless-stopped').map(([name]) => name)).toEqual([]);
    expect(services.filter(([, service]) => service.profiles === undefined && !ownImage(service) && service.healthcheck === undefined).map(([name]) => name)).toEqual([]);
  });

  it('starts Node with the options that services have everywhere', () => {
    const entry = /^ENTRYPOINT (.*)$/m.exec(readFile('deploy/docker/Dockerfile'))?.[1] ?? '';
    expect(JSON.parse(entry)).toEqual(['node', ...NODE_FLAGS, '/app/shoal.mjs']);
  });

  it('starts gateways, shards and the worker with settings that they take', () => {
    expect(ofKind('gateway').map((service) => parseGatewayConfig(environmentOf(service)).redisUrl)).toEqual(['redis://redis:6379', 'redis://redis:6379']);
    expect(ofKind('shard').map((service) => String(parseShardEnvironment({ SHOAL_DATA_DIR: '/var/lib/shoal', ...environmentOf(service) }).shard))).toEqual(['shard-0', 'shard-1', 'shard-2']);
    const [worker] = ofKind('worker').map((service) => parseWorkerConfig(environmentOf(service)));
    expect(worker?.gatewayUrls.map((url) => URL.parse(url)?.hostname)).toEqual(services.filter(([, service]) => service.command?.[0] === 'gateway').map(([name]) => name));
  });

  it('has the cluster place every slot on two shards, and puts no two processes into one volume', () => {
    const shards = ofKind('shard').map((service) => parseShardEnvironment({ SHOAL_DATA_DIR: '/var/lib/shoal', ...environmentOf(service) }));
    expect(shards.map(({ ownedSlots, slots, placement }) => [ownedSlots, slots, placement.replicas])).toEqual(shards.map(() => [undefined, 64, 2]));
    expect(ofKind('gateway').map((service) => parseGatewayConfig(environmentOf(service)).replicas)).toEqual([2, 2]);
    const volumes = services.flatMap(([, service]) => (service.volumes ?? []).map((each) => each.split(':')[0] ?? '').filter((each) => !each.startsWith('.')));
    expect(new Set(volumes).size).toBe(volumes.length);
  });

  it('keeps the log on three NATS servers that sync every write', () => {
    const servers = services.filter(([, service]) => filledIn(service.image) === IMAGES.nats).map(([name]) => name);
    const configuration = readFile('deploy/docker/nats.conf');
    expect(servers).toHaveLength(3);
    for (const server of servers) {
      expect(configuration).toContain(`nats-route://${server}:6222`);
      for (const service of [...ofKind('gateway'), ...ofKind('shard')]) expect(service.environment?.['SHOAL_NATS_URL']).toContain(`nats://${server}:4222`);
    }
    expect(configuration).toMatch(/^ {2}sync_interval: always$/m);
    expect(readFile('deploy/docker/redis.conf')).toMatch(/^appendonly yes$[\s\S]*^maxmemory-policy noeviction$/m);
  });

  it('publishes the gateways alone, on loopback', () => {
    const published = services.filter(([, service]) => service.ports !== undefined && service.profiles === undefined);
    expect(published.map(([, service]) => service.command?.[0])).toEqual(['gateway', 'gateway']);
    expect(published.flatMap(([, service]) => service.ports ?? []).map(filledIn)).toEqual(['127.0.0.1:7700:7700', '127.0.0.1:7701:7700']);
    expect(composition.networks['inside']).toEqual({ internal: true });
  });
});
