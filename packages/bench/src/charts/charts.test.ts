import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chartScale } from './chart-scale.ts';
import { blocksToHtml, blocksToMarkdown, type ReportBlock } from './report-blocks.ts';
import { chartSvg } from './svg-chart.ts';

const amounts = fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });

it('places every value between the ends, in order, with marks that are not crowded', () => {
  fc.assert(fc.property(amounts, fc.boolean(), (values, isLogarithmic) => {
    const scale = chartScale({ title: '', isLogarithmic }, values, 100, 200);
    for (const value of values) {
      expect(scale.placeOf(value)).toBeGreaterThanOrEqual(100 - 1e-6);
      expect(scale.placeOf(value)).toBeLessThanOrEqual(200 + 1e-6);
    }
    const places = values.toSorted((a, b) => a - b).map((value) => scale.placeOf(value));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(scale.marks.length).toBeGreaterThanOrEqual(2);
    expect(scale.marks.length).toBeLessThanOrEqual(12);
    expect(new Set(scale.marks.map(({ text }) => text)).size).toBe(scale.marks.length);
  }));
});

it('begins a linear axis at 0, and takes the marks that are given', () => {
  expect(chartScale({ title: '' }, [9_500, 9_900], 0, 1).placeOf(0)).toBe(0);
  const marks = [{ at: 0.9, text: 'a' }, { at: 1, text: 'b' }];
  expect(chartScale({ title: '', marks }, [0.95], 0, 1).marks).toBe(marks);
  expect(chartScale({ title: '', marks }, [0.95], 0, 1).placeOf(0.95)).toBeCloseTo(0.5);
});

it('draws a line for each series, tells of each point, and puts no label upon another', () => {
  const point = (x: number, y: number, label: string) => ({ x, y, label, hint: `<${label}>` });
  const chart = { title: 'A & B', x: { title: 'x' }, y: { title: 'y' } };
  const svg = chartSvg({ ...chart, series: [{ name: 'one', points: [point(1, 10, 'first'), point(1.001, 10, 'second'), point(5, 2, 'third')] }, { name: 'two', isScatter: true, points: [point(3, 3, 'fourth')] }, { name: 'none', points: [] }] });
  expect(svg.match(/<polyline /g)).toHaveLength(1);
  expect(svg.match(/<title>/g)).toHaveLength(4);
  expect(svg).toContain('<title>one: &lt;first></title>');
  expect(svg).toContain('<h2>A &amp; B</h2>');
  expect(svg).toContain('>first</text>');
  expect(svg).not.toContain('>second</text>');
  expect(chartSvg({ ...chart, series: [{ name: 'none', points: [] }] })).toBe('');
});

it('writes the same table as Markdown and as HTML', () => {
  const blocks: readonly ReportBlock[] = [
    { type: 'title', text: 'A <b>' },
    { type: 'table', columns: [{ name: 'name', isText: true }, { name: 'value' }], rows: [['a|b', '1'], ['c', { text: 'no', isGood: false }]] },
  ];
  expect(blocksToMarkdown(blocks)).toBe('# A <b>\n\n| name | value |\n|---|---:|\n| a\\|b | 1 |\n| c | no |\n');
  const html = blocksToHtml(blocks);
  expect(html).toContain('<h1>A &lt;b></h1>');
  expect(html).toContain('<tr><td class="text">a|b</td><td>1</td></tr>');
  expect(html).toContain('<td class="bad">no</td>');
});
