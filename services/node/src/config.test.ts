import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseNodeEnvironment } from './config.ts';
import { resolveRootKey } from './root-key.ts';

describe('parseNodeEnvironment', () => {
  it('needs nothing', () => {
    expect(parseNodeEnvironment({})).toMatchObject({ host: '127.0.0.1', port: 7700, directory: '.shoal', durability: 'fsync', slots: 64 });
  });

  it.each([
    ['SHOAL_HTTP_PORT', '70000'],
    ['SHOAL_HTTP_PORT', '77o0'],
    ['SHOAL_DURABILITY', 'none'],
    ['SHOAL_ENGINE_MEMORY_MB', '5000'],
  ])('refuses %s = %s and names it', (name, value) => {
    expect(() => parseNodeEnvironment({ [name]: value })).toThrow(expect.objectContaining({ code: 'invalid_configuration', field: name }) as Error);
  });
});

describe('resolveRootKey', () => {
  it('makes a key once, keeps it for its owner alone, and prefers a given one', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'shoal-key-'));
    try {
      const made = await resolveRootKey(directory, undefined);
      expect(made.source).toBe('generated');
      expect(made.key.length).toBeGreaterThan(30);
      expect(await resolveRootKey(directory, undefined)).toEqual({ key: made.key, source: 'file' });
      expect((await readFile(join(directory, 'root-key'), 'utf8')).trim()).toBe(made.key);
      expect((await stat(join(directory, 'root-key'))).mode & 0o777).toBe(0o600);
      expect(await resolveRootKey(directory, 'given')).toEqual({ key: 'given', source: 'environment' });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('refuses a directory that is a file', async () => {
    await expect(resolveRootKey(join('/dev/null', 'x'), undefined)).rejects.toMatchObject({ code: 'directory_unusable' });
  });
});
