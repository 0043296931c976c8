import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERROR_REGISTRY, isErrorCode } from './error-registry.ts';
import type { ErrorCode, ErrorEntry } from './error-registry.ts';
import { problemOf } from './http/problem.ts';
import { ShoalError } from './shoal-error.ts';

const entries = Object.entries(ERROR_REGISTRY) as [ErrorCode, ErrorEntry][];

describe('the error registry', () => {
  test('is the table of docs/errors.md, row for row', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const expected = entries.map(
      ([code, { status, retryable, title, action }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} | ${action} |`,
    );
    expect(rows).toEqual(expected);
  });

  test('has statuses of HTTP errors, and says of no fault of the request that it may be retried', () => {
    for (const [code, { status, retryable }] of entries) {
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(status, code).toBeLessThan(600);
      // A rate that was passed is no fault of the request itself.
      if (status < 500) expect(retryable, code).toBe(code === 'rate_limited');
    }
  });

  test('knows its codes and nothing that an object merely inherits', () => {
    for (const [code] of entries) expect(isErrorCode(code)).toBe(true);
    for (const other of ['toString', '__proto__', '', 7, undefined]) expect(isErrorCode(other)).toBe(false);
  });
});

describe('a ShoalError', () => {
  test('becomes a problem with what the registry says of its code', () => {
    const error = new ShoalError('invalid_field', 'k must be a whole number from 1 to 1000.', { field: 'k', limit: 1_000 });
    expect(problemOf(error, 'req-1')).toEqual({
      type: 'urn:shoal:error:invalid_field',
      title: ERROR_REGISTRY.invalid_field.title,
      status: 400,
      detail: 'k must be a whole number from 1 to 1000.',
      code: 'invalid_field',
      retryable: false,
      field: 'k',
      limit: 1_000,
      requestId: 'req-1',
    });
  });

  test('without field and limit makes a problem without them', () => {
    const problem = problemOf(new ShoalError('overloaded', 'Too much.'), 'req-2');
    expect(Object.keys(problem)).not.toContain('field');
    expect(Object.keys(problem)).not.toContain('limit');
    expect(problem.retryable).toBe(true);
  });

  test('keeps its cause', () => {
    const cause = new Error('below');
    expect(new ShoalError('internal', 'above', { cause }).cause).toBe(cause);
  });
});
