import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { findRedisServer } from './find-redis-server.ts';
import { RedisServer } from './redis-server.ts';

const cacheDirectory = fileURLToPath(new URL('../../../../.cache/servers', import.meta.url));

it('keeps what it was told when it is killed and started again', async () => {
  const binary = await findRedisServer({ cacheDirectory, searchPath: process.env['PATH'] ?? '', say: console.log });
  if (binary === undefined) throw new Error('this test needs a redis-server: install one');
  const server = await RedisServer.start({ binary });
  try {
    const redis = new Redis(server.url, { maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    await redis.set('a', '1');
    await server.stop('SIGTERM');
    await server.start();
    expect(await redis.get('a')).toBe('1');
    expect(await redis.config('GET', 'maxmemory-policy')).toContain('noeviction');
    redis.disconnect();
  } finally {
    await server.close();
  }
});
