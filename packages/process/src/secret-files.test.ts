import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withSecretFiles } from './secret-files.ts';

describe('secrets in files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-secrets-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };

  it('are read without the blanks around them, beside what is given as a value', () => {
    const environment = { SHOAL_ROOT_KEY_FILE: file('key', 's3cret\n'), SHOAL_NATS_PASSWORD_FILE: file('password', ' p w '), SHOAL_HTTP_PORT: '1' };
    expect(withSecretFiles(environment)).toMatchObject({ SHOAL_ROOT_KEY: 's3cret', SHOAL_NATS_PASSWORD: 'p w', SHOAL_HTTP_PORT: '1' });
    expect(withSecretFiles({ SHOAL_ROOT_KEY: 'given', SHOAL_ROOT_KEY_FILE: '' })).toMatchObject({ SHOAL_ROOT_KEY: 'given' });
  });

  it('are refused where they are given twice, missing, empty or too large, without repeating them', () => {
    const refused = (environment: Record<string, string>, field: string): void => {
      expect(() => withSecretFiles(environment)).toThrow(expect.objectContaining({ code: 'invalid_configuration', field, message: expect.not.stringContaining('s3cret') as string }) as Error);
    };
    refused({ SHOAL_ROOT_KEY: 's3cret', SHOAL_ROOT_KEY_FILE: file('twice', 's3cret') }, 'SHOAL_ROOT_KEY_FILE');
    refused({ SHOAL_REDIS_URL_FILE: join(directory, 'absent') }, 'SHOAL_REDIS_URL_FILE');
    refused({ SHOAL_NATS_TOKEN_FILE: file('empty', '\n') }, 'SHOAL_NATS_TOKEN_FILE');
    refused({ SHOAL_NATS_URL_FILE: file('large', 's3cret'.repeat(4_000)) }, 'SHOAL_NATS_URL_FILE');
  });
});
