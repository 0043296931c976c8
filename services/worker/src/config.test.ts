import { expect, it } from 'vitest';
import { parseWorkerConfig } from './config.ts';

const REDIS = { SHOAL_REDIS_URL: 'redis://127.0.0.1:6379' };

it('needs Redis, and has a default for everything else', () => {
  expect(() => parseWorkerConfig({})).toThrow(/SHOAL_REDIS_URL/);
  expect(parseWorkerConfig(REDIS)).toMatchObject({ redisUrl: REDIS.SHOAL_REDIS_URL, gatewayUrls: ['http://127.0.0.1:7700'], logLevel: 'info', sources: { directories: [], hosts: ['*'], privateAddresses: false } });
});

it('takes several gateways, and shows no password when an address is wrong', () => {
  expect(parseWorkerConfig({ ...REDIS, SHOAL_GATEWAY_URL: 'http://a:7700/, https://b' }).gatewayUrls).toEqual(['http://a:7700', 'https://b']);
  for (const wrong of [{ SHOAL_GATEWAY_URL: 'http://user:secret@a' }, { SHOAL_REDIS_URL: 'http://:secret@a' }]) {
    expect(() => parseWorkerConfig({ ...REDIS, ...wrong })).toThrow(/must be/);
    expect(() => parseWorkerConfig({ ...REDIS, ...wrong })).not.toThrow(/secret/);
  }
});

it('opens directories, hosts and an object store by name only', () => {
  const sources = parseWorkerConfig({ ...REDIS, SHOAL_IMPORT_DIRS: '/data, /more', SHOAL_IMPORT_HOSTS: 'files.example.org,*.example.com', SHOAL_S3_ENDPOINT: 'http://s3:9000', SHOAL_S3_ACCESS_KEY: 'a', SHOAL_S3_SECRET_KEY: 'b' }).sources;
  expect(sources).toEqual({ directories: ['/data', '/more'], hosts: ['files.example.org', '*.example.com'], privateAddresses: false, s3: { endpoint: 'http://s3:9000', region: 'us-east-1', accessKeyId: 'a', secretAccessKey: 'b' } });
  expect(parseWorkerConfig({ ...REDIS, SHOAL_IMPORT_HOSTS: 'none' }).sources.hosts).toEqual([]);
  expect(() => parseWorkerConfig({ ...REDIS, SHOAL_IMPORT_DIRS: 'data' })).toThrow(/SHOAL_IMPORT_DIRS/);
  expect(() => parseWorkerConfig({ ...REDIS, SHOAL_S3_ENDPOINT: 'http://s3:9000' })).toThrow(/SHOAL_S3_ACCESS_KEY/);
});

it('takes backups only with a place, whole settings and apart from what imports may read', () => {
  const place = { ...REDIS, SHOAL_BACKUP_PLACE: '/backups', SHOAL_ROOT_KEY: 'root' };
  expect(parseWorkerConfig(REDIS).backups).toBeUndefined();
  expect(parseWorkerConfig(place).backups).toEqual({ place: '/backups', pattern: '15 3 * * *', keep: 7, rootKey: 'root' });
  expect(parseWorkerConfig({ ...place, SHOAL_BACKUP_PLACE: 's3://b/p', SHOAL_BACKUP_SCHEDULE: '*/5 * * * * *', SHOAL_BACKUP_KEEP: '2', SHOAL_BACKUP_S3_ENDPOINT: 'http://s3', SHOAL_BACKUP_S3_ACCESS_KEY: 'a', SHOAL_BACKUP_S3_SECRET_KEY: 'b' }).backups)
    .toMatchObject({ keep: 2, pattern: '*/5 * * * * *', bucket: { endpoint: 'http://s3', region: 'us-east-1' } });
  expect(() => parseWorkerConfig({ ...REDIS, SHOAL_BACKUP_PLACE: '/backups' })).toThrow(/SHOAL_ROOT_KEY/);
  expect(() => parseWorkerConfig({ ...place, SHOAL_IMPORT_DIRS: '/data,/backups' })).toThrow(/SHOAL_IMPORT_DIRS/);
  expect(() => parseWorkerConfig({ ...place, SHOAL_BACKUP_PLACE: 's3://b/p', SHOAL_S3_ENDPOINT: 'http://s3', SHOAL_S3_ACCESS_KEY: 'a', SHOAL_S3_SECRET_KEY: 'b' })).toThrow(/SHOAL_BACKUP_S3_ENDPOINT/);
  expect(() => parseWorkerConfig({ ...place, SHOAL_BACKUP_SCHEDULE: 'daily' })).toThrow(/SHOAL_BACKUP_SCHEDULE/);
});
