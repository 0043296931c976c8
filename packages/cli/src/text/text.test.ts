import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatRanges, perSecond } from './quantities.ts';
import { shorten, textTable } from './text-table.ts';

test('tables have columns as wide as their widest cell', () => {
  const table = textTable([{ title: 'name' }, { title: 'n', align: 'right' }, { title: 'note' }], [['a', '12', 'x'], ['longer', '3', '']]);
  expect(table).toBe('name     n  note\n------  --  ----\na       12  x\nlonger   3\n');
});

test('text is shortened to one line', () => {
  expect(shorten('a\n b\t\u0007c', 10)).toBe('a b c');
  expect(shorten('abcdefgh', 5)).toBe('abcd…');
});

test('quantities read well', () => {
  expect([formatCount(1_234_567), formatBytes(3 * 2 ** 20), formatBytes(512)]).toEqual(['1,234,567', '3.0 MiB', '0.5 KiB']);
  expect([7_400, 125_000, 3_725_000].map(formatDuration)).toEqual(['7 s', '2 min 05 s', '1 h 02 min']);
  expect([perSecond(500, 2_000), perSecond(5, 0)]).toEqual([250, 0]);
  expect(formatRanges([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8');
  expect(formatRanges([])).toBe('');
});

