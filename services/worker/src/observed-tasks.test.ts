import { parseEmbeddingCode } from '@shoal/protocol';
import type { ImportTask, ImportTasks, TaskResult } from '@shoal/jobs';
import type { MetricFamily, SpanAttributes, TracedSpan, Tracing } from '@shoal/telemetry';
import { expect, it } from 'vitest';
import { observeTasks } from './observed-tasks.ts';

const chunk = { type: 'chunk', record: { code: parseEmbeddingCode(7) }, chunk: { index: 3 } } as unknown as ImportTask;
const plan = { type: 'plan' } as unknown as ImportTask;
const imported = { type: 'imported', result: { accepted: 5, rejections: [{}, {}], receipt: {} } } as unknown as TaskResult;
const signal = new AbortController().signal;

function answering(answers: readonly (TaskResult | Error)[]): ImportTasks & { readonly given: ImportTask[] } {
  const given: ImportTask[] = [];
  return {
    given, close: async () => undefined,
    run: async (task) => {
      const answer = answers[given.push(task) - 1];
      if (answer instanceof Error || answer === undefined) throw answer ?? new Error('too many tasks');
      return answer;
    },
  };
}

function valueOf(families: readonly MetricFamily[], name: string, attributes: object): number | undefined {
  const family = families.find((one) => one.name === name);
  if (family === undefined || family.type === 'histogram') return undefined;
  return family.points.find((point) => JSON.stringify(point.attributes) === JSON.stringify(attributes))?.value;
}

it('counts tasks, rows and failed tries', async () => {
  const failed = { type: 'failed', fault: { code: 'source_unavailable', message: 'away', retryable: true } } as TaskResult;
  const tasks = observeTasks(answering([{ type: 'planned', plan: {} } as unknown as TaskResult, imported, failed, imported, new Error('stopped')]), undefined);
  await tasks.run(plan, signal);
  for (let count = 0; count < 3; count += 1) await tasks.run(chunk, signal);
  await expect(tasks.run(chunk, signal)).rejects.toThrow('stopped');
  const families = tasks.families();
  expect(valueOf(families, 'shoal.import.tasks', { 'shoal.import.task': 'plan' })).toBe(1);
  expect(valueOf(families, 'shoal.import.tasks', { 'shoal.import.task': 'chunk' })).toBe(2);
  expect(valueOf(families, 'shoal.import.rows', { 'shoal.import.outcome': 'accepted' })).toBe(10);
  expect(valueOf(families, 'shoal.import.rows', { 'shoal.import.outcome': 'rejected' })).toBe(4);
  expect(valueOf(families, 'shoal.import.errors', { 'error.type': 'source_unavailable' })).toBe(1);
  expect(valueOf(families, 'shoal.import.tasks.active', {})).toBe(0);
});

it('begins a trace for each task, which the requests of a chunk bear', async () => {
  const ended: (readonly [string, SpanAttributes | undefined, string | undefined])[] = [];
  const span = (name: string): TracedSpan => ({ traceId: 't', spanId: 's', parent: `parent of ${name}`, child: span, end: (attributes, error) => void ended.push([name, attributes, error]) });
  const tracing = { request: (name: string) => span(name) } as unknown as Tracing;
  const inner = answering([{ type: 'planned', plan: {} } as unknown as TaskResult, imported, new Error('stopped')]);
  const tasks = observeTasks(inner, tracing);
  await tasks.run(plan, signal);
  await tasks.run(chunk, signal);
  await expect(tasks.run(chunk, signal)).rejects.toThrow('stopped');
  expect(inner.given).toEqual([plan, { ...chunk, traceParent: 'parent of import chunk' }, { ...chunk, traceParent: 'parent of import chunk' }]);
  expect(ended).toEqual([['import plan', undefined, undefined], ['import chunk', { 'shoal.import.accepted': 5, 'shoal.import.rejected': 2 }, undefined], ['import chunk', {}, 'ended']]);
});
