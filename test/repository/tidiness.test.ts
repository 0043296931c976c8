import { describe, expect, it } from 'vitest';
import { isTest, readFile, repositoryFiles, typescriptFiles } from './source-files.ts';

const files = repositoryFiles();
const sources = typescriptFiles();
const MAX_LINES = 350;

function matching(paths: readonly string[], pattern: RegExp): string[] {
  return paths.filter((path) => pattern.test(readFile(path)));
}

describe('the repository', () => {
  it('keeps files to one idea', () => {
    const long = sources.filter((path) => !isTest(path) && readFile(path).split('\n').length > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('has no junk drawers', () => {
    expect(files.filter((path) => /(^|\/)(utils?|helpers?|common|manager|shared|misc)(\.ts|\/)/.test(path))).toEqual([]);
  });

  it('has no skipped, focused or promised tests', () => {
    expect(matching(sources.filter((path) => path.endsWith('.test.ts') && !path.startsWith('test/repository/')), /\b(it|test|describe)\.(skip|only|todo)\b/)).toEqual([]);
  });

  it('has no unfinished work in its sources', () => {
    expect(matching(sources.filter((path) => !isTest(path)), /\b(TODO|FIXME|XXX|HACK)\b|not implemented/i)).toEqual([]);
  });

  it('names no download address in the lockfile', () => {
    expect(readFile('package-lock.json')).not.toMatch(/"resolved": *"http/);
  });

  it('gives every package a README with purpose and invariants', () => {
    const packages = files.filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path));
    const readmes = packages.map((path) => path.replace('package.json', 'README.md'));
    expect(readmes.filter((path) => !files.includes(path) || !/invariants/i.test(readFile(path)))).toEqual([]);
  });

  it('keeps the versions of packages and services equal', () => {
    const version = (JSON.parse(readFile('package.json')) as { version: string }).version;
    const others = files.filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path) && (JSON.parse(readFile(path)) as { version: string }).version !== version);
    expect(others).toEqual([]);
    const constants = files.filter((path) => path.endsWith('/version.ts'));
    expect(constants.filter((path) => !readFile(path).includes(`'${version}'`))).toEqual([]);
  });
});
