import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFile, repositoryFiles, root } from './source-files.ts';

const documents = repositoryFiles().filter((path) => path.endsWith('.md'));
const scripts = Object.keys((JSON.parse(readFile('package.json')) as { scripts: Record<string, string> }).scripts);

describe('the documents', () => {
  it('name only npm scripts that exist', () => {
    const wrong = documents.flatMap((path) => {
      const named = [...readFile(path).matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => match[1] ?? match[2] ?? '');
      return named.filter((script) => !scripts.includes(script)).map((script) => `${path}: npm run ${script}`);
    });
    expect(wrong).toEqual([]);
  });

  it('link only to files that exist', () => {
    const wrong = documents.flatMap((path) => {
      const targets = [...readFile(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
      return targets.filter((target) => !existsSync(join(root, dirname(path), target))).map((target) => `${path}: ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('name only commands of shoal that exist', () => {
    const known = repositoryFiles().filter((path) => path.startsWith('packages/cli/src/commands/')).map(readFile).join('\n');
    const named = new Set([...readFile('README.md').matchAll(/`shoal ([a-z]+)/g)].map((match) => match[1] ?? ''));
    expect(named.size).toBeGreaterThan(4);
    expect([...named].filter((command) => !new RegExp(`\\.command\\(['"\`]${command}\\b`).test(known) && !new RegExp(`new Command\\(['"\`]${command}\\b`).test(known))).toEqual([]);
  });

  it('start with the two commands', () => {
    expect(readFile('README.md')).toMatch(/```sh\nnpm start\n```[\s\S]*```sh\nnpm test\n```/);
  });
});
