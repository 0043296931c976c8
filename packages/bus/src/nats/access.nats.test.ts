import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import { nkeys } from '@nats-io/transport-node';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NatsServer } from '../nats-server/nats-server.ts';
import { findServer, freshOptions } from '../testing/nats-fixture.ts';
import type { NatsAccess } from './access.ts';
import { connectNatsBus } from './connect-nats-bus.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const certificate = (name: string, options: Parameters<typeof generate>[1]) => generate([{ name: 'commonName', value: name }], { keySize: 2048, ...options });

describe('showing a nats-server who one is', () => {
  let directory: string;
  let server: NatsServer | undefined;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-access-'));
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };

  const serve = async (configuration: string): Promise<NatsServer> => {
    server = await NatsServer.start({ binary: await findServer(process.env['PATH']), configuration });
    return server;
  };

  /** Connects, writes and reads one entry of the registry. */
  const use = async (url: string, access: NatsAccess): Promise<void> => {
    const bus = await connectNatsBus({ ...freshOptions(url), ...access });
    try {
      await bus.registry.create('embedding.1', Uint8Array.of(7));
      expect((await bus.registry.get('embedding.1'))?.value).toEqual(Uint8Array.of(7));
    } finally {
      await bus.close();
    }
  };

  it('works with user and password, and says when they are wrong', async () => {
    const { url } = await serve('authorization { user: ada, password: hunter2 }');
    await use(url, { user: 'ada', pass: 'hunter2' });
    await expect(use(url, { user: 'ada', pass: 'hunter3' })).rejects.toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining('credentials') });
  });

  it('works with a token', async () => {
    const { url } = await serve('authorization { token: s3cret }');
    await use(url, { token: 's3cret' });
  });

  it('works with an nkey', async () => {
    const pair = nkeys.createUser();
    const { url } = await serve(`authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`);
    await use(url, { nkeyFile: await file('user.nk', `${text(pair.getSeed())}\n`) });
    const stranger = await file('stranger.nk', nkeys.createUser().getSeed());
    await expect(use(url, { nkeyFile: stranger })).rejects.toMatchObject({ code: 'invalid_configuration' });
  });

  it('works with a credentials file of an operator and account', async () => {
    const [operator, account, system, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount(), nkeys.createUser()];
    const operatorJwt = await encodeOperator('shoal', operator);
    const accountJwt = await encodeAccount('shoal', account, { limits: { conn: -1, subs: -1, data: -1, payload: -1, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 } }, { signer: operator });
    const systemJwt = await encodeAccount('system', system, {}, { signer: operator });
    const userJwt = await encodeUser('shoal', user, account, { subs: -1, data: -1, payload: -1 }, { signer: account });
    const { url } = await serve(`operator: ${operatorJwt}\nresolver: MEMORY\nsystem_account: ${system.getPublicKey()}\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`);
    await use(url, { credentialsFile: await file('user.creds', fmtCreds(userJwt, user)) });
    await expect(use(url, {})).rejects.toMatchObject({ code: 'invalid_configuration' });
  });

  it('works over TLS with certificates on both sides, and refuses a server that nobody known has signed', async () => {
    const authority = await certificate('authority', { extensions: [{ name: 'basicConstraints', cA: true }, { name: 'keyUsage', keyCertSign: true }] });
    const path = (name: string): string => join(directory, name);
    await file('ca.pem', authority.cert);
    for (const name of ['server', 'client'] as const) {
      const { cert, private: key } = await certificate(name, {
        ca: { cert: authority.cert, key: authority.private },
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }, { name: 'extKeyUsage', serverAuth: true, clientAuth: true }],
      });
      await file(`${name}.pem`, cert);
      await file(`${name}.key`, key);
    }
    const { url } = await serve(`tls { cert_file: "${path('server.pem')}", key_file: "${path('server.key')}", ca_file: "${path('ca.pem')}", verify: true }`);
    const tlsUrl = url.replace('nats://127.0.0.1', 'tls://localhost');
    await use(tlsUrl, { caFile: path('ca.pem'), certFile: path('client.pem'), keyFile: path('client.key') });
    const quick = { ...freshOptions(tlsUrl), timeoutMs: 1_500 };
    await expect(connectNatsBus({ ...quick, certFile: path('client.pem'), keyFile: path('client.key') })).rejects.toMatchObject({ code: 'bus_unreachable' });
    await expect(connectNatsBus({ ...quick, caFile: path('ca.pem') })).rejects.toMatchObject({ code: 'bus_unreachable' });
  });

  it('names the file that cannot be read and the settings that contradict each other', async () => {
    const connect = (access: NatsAccess) => connectNatsBus({ ...freshOptions('nats://127.0.0.1:1'), timeoutMs: 1_000, ...access });
    await expect(connect({ credentialsFile: join(directory, 'absent') })).rejects.toMatchObject({ code: 'invalid_configuration', field: 'SHOAL_NATS_CREDS_FILE' });
    await expect(connect({ nkeyFile: await file('empty.nk', 'nothing\n') })).rejects.toMatchObject({ code: 'invalid_configuration', field: 'SHOAL_NATS_NKEY_FILE' });
    await expect(connect({ certFile: 'cert.pem' })).rejects.toMatchObject({ code: 'invalid_configuration', field: 'SHOAL_NATS_KEY_FILE' });
    await expect(connect({ user: 'ada', token: 'x' })).rejects.toMatchObject({ code: 'invalid_configuration' });
  });
});
