// Writes the secrets that docker-compose.yml hands to the containers into .secrets/ of the repository, or of the directory that is
// given; what is there stays as it is. Runs on any Node. Containers run as different users, so the files can be read by all and
// the directory by its owner alone.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directory = process.argv[2] ?? fileURLToPath(new URL('../../.secrets', import.meta.url));

/** The secret of this name, made of the text that `make` gives when there is none yet. */
function secret(name, make) {
  const path = join(directory, name);
  if (!existsSync(path)) writeFileSync(path, `${make()}\n`, { mode: 0o644 });
  return readFileSync(path, 'utf8').trim();
}

// Begins with a letter: NATS reads what looks like a number as one.
const random = () => `s${randomBytes(24).toString('hex')}`;
mkdirSync(directory, { recursive: true, mode: 0o700 });
secret('root_key', random);
const nats = secret('nats_password', random);
secret('nats_auth.conf', () => `authorization { user: shoal, password: "${nats}" }`);
const redis = secret('redis_password', random);
secret('redis_auth.conf', () => `requirepass ${redis}`);
secret('redis_url', () => `redis://:${redis}@redis:6379`);
secret('grafana_password', random);
console.log(`The secrets are in ${directory}; root_key is the key of the HTTP API.`);
