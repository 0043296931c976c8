import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { findRedisServer } from '../redis-server/find-redis-server.ts';
import { RedisServer } from '../redis-server/redis-server.ts';
import { describeImportRecords } from '../testing/import-records-conformance.ts';
import { RedisImportRecords } from './redis-import-records.ts';

const cacheDirectory = fileURLToPath(new URL('../../../../.cache/servers', import.meta.url));
let server: RedisServer;
beforeAll(async () => {
  const binary = await findRedisServer({ cacheDirectory, searchPath: process.env['PATH'] ?? '', say: console.log });
  if (binary === undefined) throw new Error('these tests need a redis-server: install one');
  server = await RedisServer.start({ binary });
});
afterAll(() => server.close());

describeImportRecords(async () => new RedisImportRecords(new Redis(server.url)));
