/** Addresses of the broker as operators write them: `nats://host:4222`, several separated by commas, credentials inside if need be. */
import { ShoalError } from '@shoal/protocol';

export interface Credentials {
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

export interface ServerAddresses {
  /** host:port */
  readonly hosts: readonly string[];
  readonly tls: boolean;
  readonly credentials: Credentials;
  /** For messages and logs: without credentials. */
  readonly printable: string;
}

const DEFAULT_PORT = '4222';

/** Throws `invalid_configuration`, which does not repeat the text because it may hold a password. */
export function parseServers(servers: string | readonly string[]): ServerAddresses {
  const texts = (typeof servers === 'string' ? servers.split(',') : servers).map((text) => text.trim()).filter((text) => text.length > 0);
  if (texts.length === 0) throw new ShoalError('invalid_configuration', 'No address of a NATS server is given.', { field: 'servers' });
  const urls = texts.map(parseOne);
  const hosts = urls.map((url) => `${url.hostname}:${url.port || DEFAULT_PORT}`);
  const tls = urls.some((url) => url.protocol === 'tls:');
  const scheme = tls ? 'tls' : 'nats';
  return { hosts, tls, credentials: credentialsOf(urls), printable: hosts.map((host) => `${scheme}://${host}`).join(', ') };
}

function parseOne(text: string): URL {
  const withScheme = text.includes('://') ? text : `nats://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || url.hostname === '' || (url.protocol !== 'nats:' && url.protocol !== 'tls:')) {
    throw new ShoalError('invalid_configuration', 'A NATS server is given as nats://host:port or tls://host:port.', { field: 'servers' });
  }
  return url;
}

/** As in the NATS clients: `user:pass@host` is a user, `token@host` a token. */
function credentialsOf(urls: readonly URL[]): Credentials {
  const url = urls.find((each) => each.username !== '');
  if (url === undefined) return {};
  const user = decodeURIComponent(url.username);
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}
