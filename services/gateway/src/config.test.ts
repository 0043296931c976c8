import { describe, expect, it } from 'vitest';
import { parseGatewayConfig } from './config.ts';

const key = { SHOAL_ROOT_KEY: 'secret' };

describe('the settings of the gateway', () => {
  it('have defaults', () => {
    expect(parseGatewayConfig(key)).toEqual({
      gateway: { host: '127.0.0.1', port: 7700, rootKey: 'secret', slots: 64, mode: 'cluster', version: '0.1.0' },
      nats: { servers: 'nats://127.0.0.1:4222' }, streams: 4, redisUrl: undefined, logLevel: 'info',
      replicas: 2, metrics: { on: true, listen: undefined },
    });
  });

  it('come from the environment', () => {
    const config = parseGatewayConfig({
      ...key, SHOAL_HTTP_HOST: '0.0.0.0', SHOAL_HTTP_PORT: '0', SHOAL_NATS_URL: 'nats://bus:4222', SHOAL_SLOTS: '2', SHOAL_STREAMS: '', SHOAL_LOG_LEVEL: 'debug',
    });
    expect(config).toMatchObject({ gateway: { host: '0.0.0.0', port: 0, slots: 2 }, nats: { servers: 'nats://bus:4222' }, streams: 2, logLevel: 'debug' });
  });

  it('take TLS with both of its files, and name the one that is missing', () => {
    expect(parseGatewayConfig({ ...key, SHOAL_TLS_CERT_FILE: 'c', SHOAL_TLS_KEY_FILE: 'k', SHOAL_REDIS_URL: 'redis://r' })).toMatchObject({
      gateway: { tls: { certificateFile: 'c', keyFile: 'k' } }, redisUrl: 'redis://r',
    });
    expect(() => parseGatewayConfig({ ...key, SHOAL_TLS_CERT_FILE: 'c' })).toThrowError(expect.objectContaining({ code: 'invalid_configuration', field: 'SHOAL_TLS_KEY_FILE' }));
  });

  it.each([
    ['SHOAL_HTTP_PORT', '65536'], ['SHOAL_HTTP_PORT', '-1'], ['SHOAL_HTTP_PORT', '80a'], ['SHOAL_SLOTS', '0'], ['SHOAL_SLOTS', '1025'],
    ['SHOAL_REDIS_URL', 'localhost:6379'], ['SHOAL_STREAMS', '65'], ['SHOAL_LOG_LEVEL', 'loud'], ['SHOAL_ROOT_KEY', ''], ['SHOAL_ROOT_KEY', 'two words'], ['SHOAL_ROOT_KEY', 'x'.repeat(257)],
  ])('refuse %s=%j in one sentence that names it', (name, value) => {
    expect(() => parseGatewayConfig({ ...key, [name]: value })).toThrowError(expect.objectContaining({
      code: 'invalid_configuration', field: name, message: expect.stringMatching(new RegExp(`^${name} is .*\\.$`)),
    }));
  });
});
