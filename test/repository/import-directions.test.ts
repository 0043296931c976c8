import { describe, expect, it } from 'vitest';
import { isTest, readFile, typescriptFiles } from './source-files.ts';

/** What each package may import from the workspace. ARCHITECTURE.md draws the same picture. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  protocol: [],
  index: ['kernel'],
  pacing: ['protocol'],
  process: ['pacing', 'protocol'],
  store: ['protocol'],
  bus: ['pacing', 'protocol'],
  placement: ['bus', 'pacing', 'protocol'],
  'shard-core': ['index', 'pacing', 'protocol', 'store'],
  client: ['protocol'],
  langchain: ['client'],
  testcontainers: ['client'],
  telemetry: ['pacing', 'protocol'],
  bench: ['bus', 'client', 'index', 'protocol'],
  backup: ['client', 'index', 'pacing', 'protocol', 'shard-core', 'store'],
  jobs: ['bench', 'bus', 'client', 'pacing', 'protocol'],
  cli: ['backup', 'bench', 'bus', 'client', 'jobs', 'process', 'protocol'],
  gateway: ['bus', 'jobs', 'pacing', 'placement', 'process', 'protocol', 'telemetry'],
  shard: ['bus', 'index', 'pacing', 'placement', 'process', 'protocol', 'shard-core', 'store', 'telemetry'],
  node: ['bus', 'gateway', 'jobs', 'pacing', 'process', 'protocol', 'shard', 'telemetry'],
  worker: ['backup', 'client', 'jobs', 'pacing', 'process', 'protocol', 'telemetry'],
};

interface Import {
  readonly from: string;
  readonly specifier: string;
}

function packageOf(path: string): string | undefined {
  return /^(?:packages|services)\/([^/]+)\//.exec(path)?.[1];
}

function importsOf(path: string): Import[] {
  const text = readFile(path);
  const found = text.matchAll(/^\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm);
  return [...found].map((match) => ({ from: path, specifier: match[1] ?? match[2] ?? '' }));
}

const sources = typescriptFiles().filter((path) => packageOf(path) !== undefined);
const imports = sources.flatMap(importsOf);

describe('import directions', () => {
  it('finds the packages and their imports', () => {
    expect(new Set(sources.map(packageOf))).toEqual(new Set(Object.keys(ALLOWED)));
    expect(imports.some(({ specifier }) => specifier === '@shoal/protocol')).toBe(true);
  });

  it('lets a package import only the packages below it', () => {
    const wrong = imports.flatMap(({ from, specifier }) => {
      const target = /^@shoal\/([^/]+)/.exec(specifier)?.[1];
      const own = packageOf(from) ?? '';
      if (target === undefined || target === own) return [];
      return ALLOWED[own]?.includes(target) === true ? [] : [`${from} imports ${specifier}`];
    });
    expect(wrong).toEqual([]);
  });

  it('lets no import reach into another package by a path', () => {
    const wrong = imports.filter(({ from, specifier }) => {
      if (!specifier.startsWith('.')) return false;
      const target = new URL(specifier, `file:///${from}`).pathname.slice(1);
      return packageOf(target) !== packageOf(from);
    });
    expect(wrong).toEqual([]);
  });

  it('declares every workspace import as a dependency of the package', () => {
    const wrong = imports.flatMap(({ from, specifier }) => {
      const target = /^(@shoal\/[^/]+)/.exec(specifier)?.[1];
      const folder = /^(?:packages|services)\/[^/]+/.exec(from)?.[0] ?? '';
      if (target === undefined || target === `@shoal/${packageOf(from)}`) return [];
      const { dependencies = {}, devDependencies = {} } = JSON.parse(readFile(`${folder}/package.json`)) as Record<string, Record<string, string>>;
      return target in dependencies || target in devDependencies ? [] : [`${folder} does not declare ${target}`];
    });
    expect([...new Set(wrong)]).toEqual([]);
  });

  it('reads the environment only in a main.ts', () => {
    const wrong = sources.filter((path) => !isTest(path) && !path.endsWith('/main.ts') && /\bprocess\.env\b/.test(readFile(path)));
    expect(wrong).toEqual([]);
  });
});
