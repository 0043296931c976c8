import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Paths of the files that belong to the repository, relative to its root: tracked, or new and not ignored. */
export function repositoryFiles(): string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  return output.split('\n').filter((path) => path !== '');
}

export function readFile(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function typescriptFiles(): string[] {
  return repositoryFiles().filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}
