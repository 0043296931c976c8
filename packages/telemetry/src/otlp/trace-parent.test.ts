import { expect, it } from 'vitest';
import { formatTraceParent, parseTraceParent } from './trace-parent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

it('reads and writes the example of the specification', () => {
  const text = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const parent = { traceId: TRACE, spanId: SPAN, sampled: true };
  expect(parseTraceParent(text)).toEqual(parent);
  expect(formatTraceParent(parent)).toBe(text);
  expect(formatTraceParent({ ...parent, sampled: false })).toBe('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00');
});

it('takes the sampled bit among others, and what a later version says first', () => {
  expect(parseTraceParent(`00-${TRACE}-${SPAN}-03`)?.sampled).toBe(true);
  expect(parseTraceParent(`00-${TRACE}-${SPAN}-02`)?.sampled).toBe(false);
  expect(parseTraceParent(`01-${TRACE}-${SPAN}-01-more`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
});

it.each([
  undefined, '', 'x', `ff-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01-more`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${TRACE}-${SPAN}-1`, `00-${TRACE}-${SPAN}`, ` 00-${TRACE}-${SPAN}-01`, `01-${TRACE}-${SPAN}-01-${'x'.repeat(1_000)}`,
])('takes %s for no trace', (text) => {
  expect(parseTraceParent(text)).toBeUndefined();
});
