/** How a client shows the broker who it is, and how it knows the broker. */
import { readFile } from 'node:fs/promises';
import { credsAuthenticator, nkeyAuthenticator, type ConnectionOptions } from '@nats-io/transport-node';
import { ShoalError } from '@shoal/protocol';

export interface NatsAccess {
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** A file that holds the seed of an nkey (`SU…`). */
  readonly nkeyFile?: string;
  /** A file with a user's JWT and seed, as `nsc` writes it. */
  readonly credentialsFile?: string;
  /** PEM. Whoever signed the broker's certificate, where the system does not know it. */
  readonly caFile?: string;
  /** PEM. The client's own certificate and key, where the broker asks for them. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Throws `invalid_configuration` when there are several ways to log in, half a key pair, or a file that cannot be read. */
export async function accessOptions(access: NatsAccess, tlsWanted: boolean): Promise<Partial<ConnectionOptions>> {
  const { user, pass, token, nkeyFile, credentialsFile } = access;
  if ([user, token, nkeyFile, credentialsFile].filter((way) => way !== undefined).length > 1) {
    throw new ShoalError('invalid_configuration', 'The NATS client is given several ways to log in; give one of user and password, token, nkey file or credentials file.', { field: 'SHOAL_NATS_USER' });
  }
  const tls = await tlsOptions(access, tlsWanted);
  if (nkeyFile !== undefined) return { ...tls, authenticator: nkeyAuthenticator(seedIn(await secretFile(nkeyFile, 'SHOAL_NATS_NKEY_FILE'))) };
  if (credentialsFile !== undefined) return { ...tls, authenticator: credsAuthenticator(await secretFile(credentialsFile, 'SHOAL_NATS_CREDS_FILE')) };
  return { ...tls, ...(user === undefined ? {} : { user }), ...(pass === undefined ? {} : { pass }), ...(token === undefined ? {} : { token }) };
}

async function tlsOptions({ caFile, certFile, keyFile }: NatsAccess, tlsWanted: boolean): Promise<Partial<ConnectionOptions>> {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ShoalError('invalid_configuration', 'A client certificate needs its key: set SHOAL_NATS_CERT_FILE and SHOAL_NATS_KEY_FILE together.', { field: 'SHOAL_NATS_KEY_FILE' });
  }
  const ca = caFile === undefined ? undefined : await textFile(caFile, 'SHOAL_NATS_CA_FILE');
  const cert = certFile === undefined ? undefined : await textFile(certFile, 'SHOAL_NATS_CERT_FILE');
  const key = keyFile === undefined ? undefined : await textFile(keyFile, 'SHOAL_NATS_KEY_FILE');
  if (!tlsWanted && ca === undefined && cert === undefined) return {};
  return { tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) } };
}

/** Seed files as `nk -gen` writes them: the seed on a line of its own, perhaps between others. */
function seedIn(bytes: Uint8Array): Uint8Array {
  const line = new TextDecoder().decode(bytes).split('\n').map((text) => text.trim()).find((text) => /^SU[A-Z2-7]+$/.test(text));
  if (line === undefined) throw new ShoalError('invalid_configuration', 'The nkey file holds no seed of a user (SU…).', { field: 'SHOAL_NATS_NKEY_FILE' });
  return new TextEncoder().encode(line);
}

async function secretFile(path: string, field: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ShoalError('invalid_configuration', `${field} names ${path}, which cannot be read.`, { field, cause });
  }
}

async function textFile(path: string, field: string): Promise<string> {
  return new TextDecoder().decode(await secretFile(path, field));
}
