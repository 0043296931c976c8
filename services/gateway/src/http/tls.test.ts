import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { generate } from 'selfsigned';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startGateway, type Gateway } from '../gateway.ts';
import { GatewayFixture, ROOT_KEY, newOperationId } from '../testing/gateway-fixture.ts';
import { isLoopback } from './security-headers.ts';

let directory: string;
let fixture: GatewayFixture;
let gateway: Gateway | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-tls-'));
  fixture = await GatewayFixture.start();
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await fixture.close();
  await rm(directory, { recursive: true });
});

const files = (): { certificateFile: string; keyFile: string } => ({ certificateFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') });

async function writeCertificate(name: string): Promise<string> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], { keySize: 2048 });
  await writeFile(files().certificateFile, cert);
  await writeFile(files().keyFile, key);
  return cert;
}

const start = (): Promise<Gateway> => startGateway(
  { host: '127.0.0.1', port: 0, rootKey: ROOT_KEY, slots: fixture.bus.log.slots, mode: 'embedded', version: '0', tls: files() },
  { bus: fixture.bus, logger: pino({ level: 'silent' }), clock: { nowMs: Date.now }, newOperationId },
);

interface Seen {
  readonly status: number | undefined;
  readonly hsts: string | undefined;
  readonly commonName: string | undefined;
}

function get(url: string, maxVersion: 'TLSv1.1' | 'TLSv1.3' = 'TLSv1.3'): Promise<Seen> {
  return new Promise((resolve, reject) => {
    request(`${url}/v1/embeddings`, { agent: false, rejectUnauthorized: false, maxVersion, minVersion: 'TLSv1', headers: { authorization: `Bearer ${ROOT_KEY}` } }, (response) => {
      const { socket } = response;
      const name = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined;
      response.resume().on('end', () => resolve({ status: response.statusCode, hsts: response.headers['strict-transport-security'], commonName: Array.isArray(name) ? name[0] : name }));
    }).on('error', reject).end();
  });
}

it('a gateway with a certificate speaks HTTPS, nothing older than TLS 1.2, and takes a new certificate while it runs', async () => {
  await writeCertificate('first');
  gateway = await start();
  expect(gateway.url).toMatch(/^https:/);
  expect(await get(gateway.url)).toEqual({ status: 200, hsts: 'max-age=31536000', commonName: 'first' });
  await expect(get(gateway.url, 'TLSv1.1')).rejects.toThrow();
  await expect(fetch(gateway.url.replace('https', 'http'))).rejects.toThrow();
  await writeCertificate('second');
  await gateway.reloadTls();
  expect(await get(gateway.url)).toMatchObject({ commonName: 'second' });
  await writeFile(files().keyFile, 'no key');
  await expect(gateway.reloadTls()).rejects.toMatchObject({ code: 'invalid_configuration' });
  expect(await get(gateway.url)).toMatchObject({ commonName: 'second' });
});

it('a gateway whose certificate cannot be read does not start', async () => {
  await expect(start()).rejects.toMatchObject({ code: 'invalid_configuration', field: 'SHOAL_TLS_CERT_FILE' });
});

it('every answer tells browsers to take it for data', async () => {
  for (const path of ['/healthz', '/v1/embeddings', '/nowhere', '/openapi.json']) {
    const { headers } = await fixture.call('GET', path);
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('content-security-policy'), path).toContain("default-src 'none'");
    expect(headers.get('cache-control'), path).toBe('no-store');
    expect(headers.get('strict-transport-security')).toBeNull();
  }
});

it('tells addresses of this machine from others', () => {
  expect(['127.0.0.1', '127.8.0.1', 'localhost', '::1'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'example'].some(isLoopback)).toBe(false);
});
