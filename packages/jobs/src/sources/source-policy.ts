/** What imports of a service may read, from its environment. */
import { isAbsolute } from 'node:path';
import { invalidSetting, requiredSetting, setting, type Environment } from '@shoal/protocol';
import type { SourcePolicy } from './open-sources.ts';
import type { S3Settings } from './s3-bucket.ts';

const listOf = (text: string | undefined): readonly string[] => (text ?? '').split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');

function s3Settings(environment: Environment): S3Settings | undefined {
  const endpoint = setting(environment, 'SHOAL_S3_ENDPOINT');
  if (endpoint === undefined) return undefined;
  const protocol = URL.parse(endpoint)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:') throw invalidSetting('SHOAL_S3_ENDPOINT', endpoint, 'an address such as https://s3.eu-central-1.amazonaws.com');
  return {
    endpoint,
    region: setting(environment, 'SHOAL_S3_REGION') ?? 'us-east-1',
    accessKeyId: requiredSetting(environment, 'SHOAL_S3_ACCESS_KEY', 'the name of the access key'),
    secretAccessKey: requiredSetting(environment, 'SHOAL_S3_SECRET_KEY', 'the secret of the access key'),
  };
}

/**
 * SHOAL_IMPORT_DIRS, SHOAL_IMPORT_HOSTS and SHOAL_S3_*. Without any, imports read from public HTTP addresses and nothing else.
 * Throws `invalid_configuration`.
 */
export function parseSourcePolicy(environment: Environment): SourcePolicy {
  const directories = listOf(setting(environment, 'SHOAL_IMPORT_DIRS'));
  const relative = directories.find((directory) => !isAbsolute(directory));
  if (relative !== undefined) throw invalidSetting('SHOAL_IMPORT_DIRS', relative, 'absolute directories, separated by commas');
  const hosts = listOf(setting(environment, 'SHOAL_IMPORT_HOSTS') ?? '*');
  const s3 = s3Settings(environment);
  return { directories, hosts: hosts.includes('none') ? [] : hosts, privateAddresses: false, ...(s3 === undefined ? {} : { s3 }) };
}
