import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { logRecordOf } from './log-lines.ts';

function lineOf(write: (logger: ReturnType<typeof pino>) => void): string {
  let line = '';
  write(pino({ level: 'trace', base: { service: 'shard', shard: 's1' } }, { write: (text: string) => void (line = text) }));
  return line;
}

it('keeps time, level, message and members of a line', () => {
  const record = logRecordOf(lineOf((logger) => logger.warn({ slot: 3, ready: false }, 'slot failed')));
  expect(record).toMatchObject({ severityNumber: 13, severityText: 'WARN', body: 'slot failed', attributes: { slot: 3, ready: false, shard: 's1' } });
  expect(Math.abs(Number(record?.timestamp) - Date.now())).toBeLessThan(60_000);
  expect(record?.attributes).not.toHaveProperty('service');
});

it('names an error by the semantic conventions', () => {
  const record = logRecordOf(lineOf((logger) => logger.error({ err: Object.assign(new TypeError('broken'), { code: 'internal' }) }, 'failed')));
  expect(record?.attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'broken', 'exception.stacktrace': expect.stringContaining('log-lines.test'), 'error.type': 'internal' });
});

it('belongs to the trace that the line names, and to none otherwise', () => {
  const ids = { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' };
  const traced = logRecordOf(lineOf((logger) => logger.info(ids, 'request')));
  expect(trace.getSpanContext(traced?.context ?? ROOT_CONTEXT)).toMatchObject({ traceId: ids.trace_id, spanId: ids.span_id });
  expect(traced?.attributes).not.toHaveProperty('trace_id');
  const untraced = logRecordOf(lineOf((logger) => logger.info('start')));
  expect(trace.getSpanContext(untraced?.context ?? ROOT_CONTEXT)).toBeUndefined();
});

it.each(['', 'text', '1', '{}', '{"level":30}', '{"time":"x"}'])('leaves out %j, which is no line of pino', (text) => {
  expect(logRecordOf(text)).toBeUndefined();
});
