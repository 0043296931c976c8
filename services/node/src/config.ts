import { parseTlsFiles, type TlsFiles } from '@shoal/gateway';
import { parseSourcePolicy, type SourcePolicy } from '@shoal/jobs';
import { DEFAULTS, LIMITS, LOG_LEVELS, choiceSetting, setting, wholeNumberSetting, type Environment, type LogLevel } from '@shoal/protocol';
import { parseMetricsSettings, type MetricsSettings } from '@shoal/telemetry';
import { engineMemorySetting, searchThreadSetting, recallShareSetting, snapshotLogSetting } from '@shoal/shard';

const DURABILITIES = ['fsync', 'os'] as const;

export interface NodeConfig {
  readonly host: string;
  readonly port: number;
  readonly directory: string;
  readonly rootKey: string | undefined;
  readonly slots: number;
  /** `fsync` acknowledges a write when the disk has it; `os` when the operating system has it, which a power failure may undo. */
  readonly durability: (typeof DURABILITIES)[number];
  readonly engineMemoryMaxBytes: number;
  readonly searchThreadCount: number;
  /** Growth of a slot's log between two snapshots. */
  readonly snapshotLogBytes: number;
  /** Share of the searches that are run again exactly to measure recall. */
  readonly recallShare: number;
  readonly logLevel: LogLevel;
  readonly tls: TlsFiles | undefined;
  readonly metrics: MetricsSettings;
  /** Where imports find this node's own gateway, when not at the address on which it listens, as behind a certificate for a name. */
  readonly gatewayUrl: string | undefined;
  /** What imports may read. */
  readonly sources: SourcePolicy;
}

export function parseNodeEnvironment(environment: Environment): NodeConfig {
  return {
    host: setting(environment, 'SHOAL_HTTP_HOST') ?? '127.0.0.1',
    port: wholeNumberSetting(environment, 'SHOAL_HTTP_PORT', { fallback: 7700, minimum: 0, maximum: 65_535 }),
    directory: setting(environment, 'SHOAL_DATA_DIR') ?? '.shoal',
    rootKey: setting(environment, 'SHOAL_ROOT_KEY'),
    slots: wholeNumberSetting(environment, 'SHOAL_SLOTS', { fallback: DEFAULTS.slots, minimum: 1, maximum: LIMITS.slots }),
    durability: choiceSetting(environment, 'SHOAL_DURABILITY', DURABILITIES, 'fsync'),
    engineMemoryMaxBytes: engineMemorySetting(environment),
    searchThreadCount: searchThreadSetting(environment),
    snapshotLogBytes: snapshotLogSetting(environment),
    recallShare: recallShareSetting(environment),
    logLevel: choiceSetting(environment, 'SHOAL_LOG_LEVEL', LOG_LEVELS, 'warn'),
    tls: parseTlsFiles(environment),
    metrics: parseMetricsSettings(environment),
    gatewayUrl: setting(environment, 'SHOAL_GATEWAY_URL'),
    sources: parseSourcePolicy(environment),
  };
}
