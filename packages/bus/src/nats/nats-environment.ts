/** The settings of the NATS client as environment variables, the same for every service. */
import { LIMITS, setting, wholeNumberSetting, type Environment } from '@shoal/protocol';
import type { NatsAccess } from './access.ts';

export interface NatsSettings extends NatsAccess {
  readonly servers: string;
  readonly replicas?: number;
  readonly streamBytes?: number;
}

const MEGABYTE = 2 ** 20;
const STREAM_MB_MAXIMUM = 2 ** 30;

/** `servers` is what SHOAL_NATS_URL says or stands for when it is not set. */
export function parseNatsEnvironment(environment: Environment, servers: string): NatsSettings {
  const text = <Key extends keyof NatsAccess>(key: Key, name: string): Partial<NatsAccess> => {
    const value = setting(environment, name);
    return value === undefined ? {} : { [key]: value };
  };
  const replicas = wholeNumberSetting(environment, 'SHOAL_NATS_REPLICAS', { fallback: 0, minimum: 1, maximum: LIMITS.natsReplicas });
  const streamMb = wholeNumberSetting(environment, 'SHOAL_STREAM_MB', { fallback: 0, minimum: 1, maximum: STREAM_MB_MAXIMUM });
  return {
    servers,
    ...(replicas === 0 ? {} : { replicas }),
    ...(streamMb === 0 ? {} : { streamBytes: streamMb * MEGABYTE }),
    ...text('user', 'SHOAL_NATS_USER'),
    ...text('pass', 'SHOAL_NATS_PASSWORD'),
    ...text('token', 'SHOAL_NATS_TOKEN'),
    ...text('nkeyFile', 'SHOAL_NATS_NKEY_FILE'),
    ...text('credentialsFile', 'SHOAL_NATS_CREDS_FILE'),
    ...text('caFile', 'SHOAL_NATS_CA_FILE'),
    ...text('certFile', 'SHOAL_NATS_CERT_FILE'),
    ...text('keyFile', 'SHOAL_NATS_KEY_FILE'),
  };
}
