/** What a parser says of a value that it refuses. */
import { ShoalError } from '../shoal-error.ts';
import type { ErrorCode } from '../error-registry.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly field?: string;
  readonly limit?: number;
}

/** Code, field and limit of the error that `parse` throws; anything else it does fails the test. */
export function refusalOf(parse: () => unknown): Refusal {
  let value: unknown;
  try {
    value = parse();
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error;
    const { code, field, limit } = error;
    return { code, ...(field === undefined ? {} : { field }), ...(limit === undefined ? {} : { limit }) };
  }
  throw new Error(`accepted as ${JSON.stringify(value)}`);
}
