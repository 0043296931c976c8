import { describe, expect, it } from 'vitest';
import { parseGatewayConfig } from './config.ts';

const key = { SHOAL_ROOT_KEY: 'secret' };

describe('the settings of the gateway', () => {
  it('have defaults', () => {
    expect(parseGatewayConfig(key)).toEqual({
      gateway: { host: '127.0.0.1', port: 7700, rootKey: 'secret', slots: 64, mode: 'cluster', version: '0.1.0' },
      nats: { servers: 'nats://127.0.0.1:4222' }, streams: 4, logLevel: 'info',
    });
  });

  it('come from the environment', () => {
    const config = parseGatewayConfig({
      ...key, SHOAL_HTTP_HOST: '0.0.0.0', SHOAL_HTTP_PORT: '0', SHOAL_NATS_URL: 'nats://bus:4222', SHOAL_SLOTS: '2', SHOAL_STREAMS: '', SHOAL_LOG_LEVEL: 'debug',
    });
    expect(config).toMatchObject({ gateway: { host: '0.0.0.0', port: 0, slots: 2 }, nats: { servers: 'nats://bus:4222' }, streams: 2, logLevel: 'debug' });
  });

  it.each([
    ['SHOAL_HTTP_PORT', '65536'], ['SHOAL_HTTP_PORT', '-1'], ['SHOAL_HTTP_PORT', '80a'], ['SHOAL_SLOTS', '0'], ['SHOAL_SLOTS', '1025'],
    ['SHOAL_STREAMS', '65'], ['SHOAL_LOG_LEVEL', 'loud'], ['SHOAL_ROOT_KEY', ''], ['SHOAL_ROOT_KEY', 'two words'], ['SHOAL_ROOT_KEY', 'x'.repeat(257)],
  ])('refuse %s=%j in one sentence that names it', (name, value) => {
    expect(() => parseGatewayConfig({ ...key, [name]: value })).toThrowError(expect.objectContaining({
      code: 'invalid_configuration', field: name, message: expect.stringMatching(new RegExp(`^${name} is .*\\.$`)),
    }));
  });
});
