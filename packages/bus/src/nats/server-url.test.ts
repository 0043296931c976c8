import { describe, expect, it } from 'vitest';
import { parseServers } from './server-url.ts';

describe('addresses of the broker', () => {
  it('are read with and without scheme and port, one or several', () => {
    expect(parseServers('nats://127.0.0.1:4333').hosts).toEqual(['127.0.0.1:4333']);
    expect(parseServers('bus').hosts).toEqual(['bus:4222']);
    expect(parseServers('a:1, nats://b').hosts).toEqual(['a:1', 'b:4222']);
    expect(parseServers(['nats://[::1]:5']).hosts).toEqual(['[::1]:5']);
    expect(parseServers('tls://a').tls).toBe(true);
  });

  it('give up their credentials, which are never printed', () => {
    const withUser = parseServers('nats://ada:s%40crt@bus:4222');
    expect(withUser.credentials).toEqual({ user: 'ada', pass: 's@crt' });
    expect(withUser.printable).toBe('nats://bus:4222');
    expect(parseServers('nats://s3cret@bus').credentials).toEqual({ token: 's3cret' });
  });

  it('are refused when they are none, without repeating them', () => {
    for (const text of ['', 'http://bus', 'nats://user:hunter2@']) {
      expect(() => parseServers(text)).toThrow(expect.objectContaining({ code: 'invalid_configuration', message: expect.not.stringContaining('hunter2') }));
    }
  });
});
