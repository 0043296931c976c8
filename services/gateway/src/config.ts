import { DEFAULTS, LIMITS, ShoalError } from '@shoal/protocol';
import { VERSION } from './version.ts';

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
}

/** Settings of the gateway as a process of its own. */
export interface GatewayServiceConfig {
  readonly gateway: GatewayConfig;
  readonly natsUrl: string;
  readonly streams: number;
  readonly logLevel: LogLevel;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Environment = { readonly [name: string]: string | undefined };

const DEFAULT_STREAMS = 4;
/** What an Authorization header can carry: printable ASCII without blanks. */
const KEY_PATTERN = /^[\x21-\x7e]{1,256}$/;

function invalid(name: string, sentence: string): ShoalError {
  return new ShoalError('invalid_configuration', `${name} ${sentence}`, { field: name });
}

function wholeNumber(environment: Environment, name: string, fallback: number, minimum: number, maximum: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw invalid(name, `must be a whole number from ${minimum} to ${maximum}, and is "${text}".`);
  }
  return value;
}

function parseRootKey(environment: Environment): string {
  const key = environment['SHOAL_ROOT_KEY'];
  if (key === undefined || key === '') throw invalid('SHOAL_ROOT_KEY', 'must be set: it is the API key that callers send.');
  if (!KEY_PATTERN.test(key)) throw invalid('SHOAL_ROOT_KEY', 'must be 1 to 256 printable ASCII characters without blanks.');
  return key;
}

function parseLogLevel(environment: Environment): LogLevel {
  const text = environment['SHOAL_LOG_LEVEL'];
  if (text === undefined || text === '') return 'info';
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw invalid('SHOAL_LOG_LEVEL', `must be one of ${LOG_LEVELS.join(', ')}.`);
  return level;
}

/** Reads the settings of the service. Throws `invalid_configuration` naming the variable at fault. */
export function parseGatewayConfig(environment: Environment): GatewayServiceConfig {
  const slots = wholeNumber(environment, 'SHOAL_SLOTS', DEFAULTS.slots, 1, LIMITS.slots);
  const streams = wholeNumber(environment, 'SHOAL_STREAMS', Math.min(DEFAULT_STREAMS, slots), 1, slots);
  return {
    gateway: {
      host: environment['SHOAL_HTTP_HOST'] || '127.0.0.1',
      port: wholeNumber(environment, 'SHOAL_HTTP_PORT', 7700, 0, 65_535),
      rootKey: parseRootKey(environment),
      slots,
      mode: 'cluster',
      version: VERSION,
    },
    natsUrl: environment['SHOAL_NATS_URL'] || 'nats://127.0.0.1:4222',
    streams,
    logLevel: parseLogLevel(environment),
  };
}
