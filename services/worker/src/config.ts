import { availableParallelism } from 'node:os';
import { parseSourcePolicy, type SourcePolicy } from '@shoal/jobs';
import { LOG_LEVELS, ShoalError, choiceSetting, requiredSetting, setting, wholeNumberSetting, type Environment, type LogLevel } from '@shoal/protocol';
import { parseMetricsSettings, type MetricsSettings } from '@shoal/telemetry';
import { parseBackupSchedule, type BackupSchedule } from './backup-schedule.ts';

export interface WorkerConfig {
  /** May hold a password. */
  readonly redisUrl: string;
  /** Base addresses of the gateways through which imports are written. */
  readonly gatewayUrls: readonly string[];
  /** Chunks at one time, each on a thread of its own. */
  readonly threadCount: number;
  readonly sources: SourcePolicy;
  /** Where and when backups are taken; nowhere when absent. */
  readonly backups?: BackupSchedule;
  readonly logLevel: LogLevel;
  readonly metrics: MetricsSettings;
}

function parseGatewayUrls(text: string): readonly string[] {
  const urls = text.split(',').map((url) => url.trim().replace(/\/+$/, '')).filter((url) => url !== '');
  const isAddress = (url: string): boolean => {
    const parsed = URL.parse(url);
    return (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') && parsed.username === '' && parsed.password === '';
  };
  if (urls.length === 0 || !urls.every(isAddress)) {
    throw new ShoalError('invalid_configuration', 'SHOAL_GATEWAY_URL must be one or more addresses such as http://127.0.0.1:7700, separated by commas, without user and password.', { field: 'SHOAL_GATEWAY_URL' });
  }
  return urls;
}

function parseRedisAddress(environment: Environment): string {
  const text = requiredSetting(environment, 'SHOAL_REDIS_URL', 'redis://127.0.0.1:6379');
  const protocol = URL.parse(text)?.protocol;
  // It may hold a password: the message leaves it out.
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw new ShoalError('invalid_configuration', 'SHOAL_REDIS_URL must be an address such as redis://127.0.0.1:6379.', { field: 'SHOAL_REDIS_URL' });
  return text;
}

/** Reads the settings of the service. Throws `invalid_configuration` naming the variable at fault. */
export function parseWorkerConfig(environment: Environment): WorkerConfig {
  const sources = parseSourcePolicy(environment);
  const backups = parseBackupSchedule(environment, sources.directories);
  return {
    redisUrl: parseRedisAddress(environment),
    gatewayUrls: parseGatewayUrls(setting(environment, 'SHOAL_GATEWAY_URL') ?? 'http://127.0.0.1:7700'),
    threadCount: wholeNumberSetting(environment, 'SHOAL_WORKER_THREADS', { fallback: Math.max(1, availableParallelism() - 1), minimum: 1, maximum: 64 }),
    sources,
    ...(backups === undefined ? {} : { backups }),
    logLevel: choiceSetting(environment, 'SHOAL_LOG_LEVEL', LOG_LEVELS, 'info'),
    metrics: parseMetricsSettings(environment),
  };
}
