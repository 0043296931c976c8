import { DEFAULTS, LIMITS, ShoalError } from '@shoal/protocol';
import { ENGINE_MEMORY_CEILING_BYTES, defaultSearchThreadCount } from '@shoal/shard';

export interface NodeConfig {
  readonly host: string;
  readonly port: number;
  readonly directory: string;
  readonly rootKey: string | undefined;
  readonly slots: number;
  /** `fsync` acknowledges a write when the disk has it; `os` when the operating system has it, which a power failure may undo. */
  readonly durability: 'fsync' | 'os';
  readonly engineMemoryMaxBytes: number;
  readonly searchThreadCount: number;
  readonly logLevel: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

function invalid(name: string, value: string, expected: string): ShoalError {
  return new ShoalError('invalid_configuration', `${name} is "${value}"; it must be ${expected}.`, { field: name });
}

function wholeNumber(environment: Environment, name: string, fallback: number, minimum: number, maximum: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) throw invalid(name, text, `a whole number from ${minimum} to ${maximum}`);
  return value;
}

function durabilityOf(text: string | undefined): 'fsync' | 'os' {
  if (text === undefined || text === '' || text === 'fsync') return 'fsync';
  if (text === 'os') return 'os';
  throw invalid('SHOAL_DURABILITY', text, '"fsync" or "os"');
}

export function parseNodeEnvironment(environment: Environment): NodeConfig {
  const ceilingMb = ENGINE_MEMORY_CEILING_BYTES / 2 ** 20;
  return {
    host: environment['SHOAL_HTTP_HOST'] ?? '127.0.0.1',
    port: wholeNumber(environment, 'SHOAL_HTTP_PORT', 7700, 0, 65_535),
    directory: environment['SHOAL_DATA_DIR'] ?? '.shoal',
    rootKey: environment['SHOAL_ROOT_KEY'],
    slots: wholeNumber(environment, 'SHOAL_SLOTS', DEFAULTS.slots, 1, LIMITS.slots),
    durability: durabilityOf(environment['SHOAL_DURABILITY']),
    engineMemoryMaxBytes: wholeNumber(environment, 'SHOAL_ENGINE_MEMORY_MB', ceilingMb, 16, ceilingMb) * 2 ** 20,
    searchThreadCount: wholeNumber(environment, 'SHOAL_SEARCH_THREADS', defaultSearchThreadCount(), 1, 64),
    logLevel: environment['SHOAL_LOG_LEVEL'] ?? 'warn',
  };
}
