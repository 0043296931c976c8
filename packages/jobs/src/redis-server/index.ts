export { MINIMUM_REDIS_VERSION, findRedisServer, type FoundRedisServer } from './find-redis-server.ts';
export { RedisServer } from './redis-server.ts';
