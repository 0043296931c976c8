import { describe, expect, it } from 'vitest';
import { debianMirrorIn } from './debian-package.ts';
import { compareVersions, isNewEnough } from './server-version.ts';

describe('compareVersions', () => {
  it('orders by number, not by text', () => {
    expect(compareVersions('2.9.10', '2.12.0')).toBeLessThan(0);
    expect(compareVersions('v2.15.1', '2.15.1-1')).toBe(0);
    expect(compareVersions('3.0.0', '2.99.99')).toBeGreaterThan(0);
  });

  it('takes 2.12 and newer', () => {
    expect(['2.9.10', '2.11.9', 'garbage'].filter(isNewEnough)).toEqual([]);
    expect(['2.12.0', '2.15.1', '3.0.0'].filter((version) => !isNewEnough(version))).toEqual([]);
  });
});

describe('debianMirrorIn', () => {
  it('reads the deb822 form and passes over security archives and other vendors', () => {
    const deb822 = [
      'Types: deb\nURIs: http://mirror.example/debian-security\nSuites: stable-security\nComponents: main\n\nTypes: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: stable stable-updates\nComponents: main\n',
    ];
    expect(debianMirrorIn(deb822)).toBe('http://mirror.example/debian');
  });

  it('reads the one-line form with options', () => {
    const lines = ['# deb http://commented.example/debian stable main\ndeb [arch=amd64 signed-by=/x] https://vendor.example/apt stable main\ndeb [arch=amd64] http://mirror.example/debian/ stable contrib main\n'];
    expect(debianMirrorIn(lines)).toBe('http://mirror.example/debian/');
  });

  it('finds nothing where there is nothing', () => {
    expect(debianMirrorIn(['Types: deb-src\nURIs: http://mirror.example/debian\nComponents: main'])).toBeUndefined();
  });
});
