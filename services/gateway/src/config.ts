import { parseNatsEnvironment, type NatsSettings } from '@shoal/bus';
import { PLACEMENT_LIMITS } from '@shoal/placement';
import { VERSION } from '@shoal/process';
import { DEFAULTS, LIMITS, LOG_LEVELS, choiceSetting, invalidSetting, requiredSetting, setting, wholeNumberSetting, type Environment, type LogLevel } from '@shoal/protocol';
import { parseMetricsSettings, type MetricsSettings } from '@shoal/telemetry';
import { parseTlsFiles, type TlsFiles } from './http/tls-files.ts';
import { parseRedisUrl } from './tenancy/rate-store.ts';

export interface GatewayConfig {
  readonly host: string;
  /** 0 takes a free port; `Gateway.url` tells which. */
  readonly port: number;
  /** The key of the root user. */
  readonly rootKey: string;
  /** Slots of the cluster; the same as those of the log. */
  readonly slots: number;
  readonly mode: 'embedded' | 'cluster';
  readonly version: string;
  /** HTTPS instead of HTTP when there. */
  readonly tls?: TlsFiles;
}

/** Settings of the gateway as a process of its own. */
export interface GatewayServiceConfig {
  readonly gateway: GatewayConfig;
  readonly nats: NatsSettings;
  readonly streams: number;
  /** Replicas of each slot, where this process makes the first map of slots and shards. */
  readonly replicas: number;
  readonly redisUrl: string | undefined;
  readonly metrics: MetricsSettings;
  readonly logLevel: LogLevel;
}

/** What an Authorization header can carry: printable ASCII without blanks. */
const KEY_PATTERN = /^[\x21-\x7e]{1,256}$/;

function parseRootKey(environment: Environment): string {
  const key = requiredSetting(environment, 'SHOAL_ROOT_KEY', 'the key that callers send');
  // The key itself is a secret: the message leaves it out.
  if (!KEY_PATTERN.test(key)) throw invalidSetting('SHOAL_ROOT_KEY', '…', '1 to 256 printable ASCII characters without blanks');
  return key;
}

/** Reads the settings of the service. Throws `invalid_configuration` naming the variable at fault. */
export function parseGatewayConfig(environment: Environment): GatewayServiceConfig {
  const slots = wholeNumberSetting(environment, 'SHOAL_SLOTS', { fallback: DEFAULTS.slots, minimum: 1, maximum: LIMITS.slots });
  const tls = parseTlsFiles(environment);
  return {
    gateway: {
      host: setting(environment, 'SHOAL_HTTP_HOST') ?? '127.0.0.1',
      port: wholeNumberSetting(environment, 'SHOAL_HTTP_PORT', { fallback: 7700, minimum: 0, maximum: 65_535 }),
      rootKey: parseRootKey(environment),
      slots,
      mode: 'cluster',
      version: VERSION,
      ...(tls === undefined ? {} : { tls }),
    },
    nats: parseNatsEnvironment(environment, setting(environment, 'SHOAL_NATS_URL') ?? 'nats://127.0.0.1:4222'),
    streams: wholeNumberSetting(environment, 'SHOAL_STREAMS', { fallback: Math.min(DEFAULTS.streams, slots), minimum: 1, maximum: slots }),
    replicas: wholeNumberSetting(environment, 'SHOAL_REPLICAS', { fallback: PLACEMENT_LIMITS.defaultReplicas, minimum: 1, maximum: LIMITS.replicas }),
    redisUrl: parseRedisUrl(environment),
    metrics: parseMetricsSettings(environment),
    logLevel: choiceSetting(environment, 'SHOAL_LOG_LEVEL', LOG_LEVELS, 'info'),
  };
}
