import { ShoalError } from '@shoal/protocol';
import type { BenchResult } from './concurrent-benchmark.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function isOperation(value: unknown): boolean {
  return isObject(value) && typeof value['itemCount'] === 'number' && typeof value['itemsPerSecond'] === 'number'
    && isObject(value['errors']) && Array.isArray(value['itemsInSecond']) && Array.isArray(value['distribution']);
}

/** The result that a file of `shoal bench --json` holds. Fails with `malformed_body` naming the file when it holds something else. */
export function parseResultFile(file: string, text: string): BenchResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ShoalError('malformed_body', `${file} is no JSON.`, { cause: error });
  }
  if (!isObject(value) || value['format'] !== 'shoal-bench') throw new ShoalError('malformed_body', `${file} is no result of shoal bench.`);
  if (value['version'] !== 1) throw new ShoalError('malformed_body', `${file} has version ${String(value['version'])} of the format; this release reads version 1.`);
  const { config, searches, inserts } = value;
  const isWhole = isObject(config) && isObject(config['search']) && isOperation(searches) && isOperation(inserts)
    && typeof value['seconds'] === 'number' && typeof value['fillPerSecond'] === 'number'
    && typeof value['target'] === 'string' && typeof value['data'] === 'string'
    && isObject(value['targetUsage']) && isObject(value['generatorUsage']);
  if (!isWhole) throw new ShoalError('malformed_body', `${file} lacks parts of a result of shoal bench.`);
  return value as unknown as BenchResult;
}
