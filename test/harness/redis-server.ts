import { fileURLToPath } from 'node:url';
import { RedisServer, findRedisServer, type FoundRedisServer } from '@shoal/jobs/redis-server';
import { Redis } from 'ioredis';

const cacheDirectory = fileURLToPath(new URL('../../.cache/servers', import.meta.url));
let found: Promise<FoundRedisServer | undefined> | undefined;

export interface TestRedis {
  readonly url: string;
  readonly description: string;
  /** Only where it is the test's own: ends and starts the server again with the data it had. */
  readonly restart?: (signal: NodeJS.Signals) => Promise<void>;
  close(): Promise<void>;
}

/** In this order: the server that SHOAL_REDIS_URL names, one on the PATH, in the cache, or fetched into it. */
export async function startRedis(): Promise<TestRedis> {
  const given = process.env['SHOAL_REDIS_URL'];
  if (given !== undefined && given !== '') return sharedRedis(given);
  found ??= findRedisServer({ cacheDirectory, searchPath: process.env['PATH'] ?? '', say: console.log });
  const binary = await found;
  if (binary === undefined) throw new Error('no redis-server of version 6.2 or newer was found, and none could be fetched; set SHOAL_REDIS_URL or install it');
  const server = await RedisServer.start({ binary });
  console.log(`redis-server ${server.version} (${server.source})`);
  return {
    url: server.url,
    description: `${server.version} (${server.source})`,
    async restart(signal) {
      await server.stop(signal);
      await server.start();
    },
    close: () => server.close(),
  };
}

/** A server that others use too; only whether it answers is looked at. */
async function sharedRedis(url: string): Promise<TestRedis> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  await redis.connect();
  redis.disconnect();
  return { url, description: `at ${new URL(url).host} (SHOAL_REDIS_URL)`, close: async () => undefined };
}
