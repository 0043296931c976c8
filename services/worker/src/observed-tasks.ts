/** The work of imports, counted and traced. */
import type { ImportTask, ImportTasks, TaskResult } from '@shoal/jobs';
import type { ErrorCode } from '@shoal/protocol';
import { gauge, type MetricFamily, type MetricPoint, type TracedSpan, type Tracing } from '@shoal/telemetry';

export interface ObservedTasks extends ImportTasks {
  families(): readonly MetricFamily[];
}

interface Counts {
  active: number;
  accepted: number;
  rejected: number;
  readonly done: Record<ImportTask['type'], number>;
  readonly failed: Map<ErrorCode, number>;
}

/** Counts what the tasks do, and begins a trace for each where traces are sent. */
export function observeTasks(tasks: ImportTasks, tracing: Tracing | undefined): ObservedTasks {
  const counts: Counts = { active: 0, accepted: 0, rejected: 0, done: { plan: 0, chunk: 0 }, failed: new Map() };
  return {
    async run(task, signal) {
      const span = tracing?.request(`import ${task.type}`, undefined, attributesOf(task), 'consumer');
      counts.active += 1;
      try {
        const result = await tasks.run(span === undefined || task.type === 'plan' ? task : { ...task, traceParent: span.parent }, signal);
        note(counts, task, result, span);
        return result;
      } catch (error) {
        span?.end({}, 'ended');
        throw error;
      } finally {
        counts.active -= 1;
      }
    },
    close: () => tasks.close(),
    families: () => familiesOf(counts),
  };
}

function attributesOf(task: ImportTask): Readonly<Record<string, string | number>> {
  return task.type === 'plan' ? {} : { 'shoal.embedding.code': task.record.code, 'shoal.import.chunk': task.chunk.index };
}

function note(counts: Counts, task: ImportTask, result: TaskResult, span: TracedSpan | undefined): void {
  if (result.type === 'failed') {
    counts.failed.set(result.fault.code, (counts.failed.get(result.fault.code) ?? 0) + 1);
    return span?.end({}, result.fault.code);
  }
  counts.done[task.type] += 1;
  if (result.type !== 'imported') return span?.end();
  const { accepted, rejections: { length: rejected } } = result.result;
  counts.accepted += accepted;
  counts.rejected += rejected;
  span?.end({ 'shoal.import.accepted': accepted, 'shoal.import.rejected': rejected });
}

function familiesOf({ active, accepted, rejected, done, failed }: Counts): readonly MetricFamily[] {
  const counter = (name: string, unit: string, description: string, points: readonly MetricPoint[]): MetricFamily => ({ type: 'counter', name, unit, description, points });
  return [
    gauge('shoal.import.tasks.active', '{task}', 'Plans and chunks of imports under way here.', active),
    counter('shoal.import.tasks', '{task}', 'Plans and chunks of imports that were done here.', Object.entries(done).map(([type, value]) => ({ attributes: { 'shoal.import.task': type }, value }))),
    counter('shoal.import.errors', '{task}', 'Tries at them that failed, by the code of their error.', [...failed].map(([code, value]) => ({ attributes: { 'error.type': code }, value }))),
    counter('shoal.import.rows', '{row}', 'Rows that were written, and rows that were left out.', [
      { attributes: { 'shoal.import.outcome': 'accepted' }, value: accepted }, { attributes: { 'shoal.import.outcome': 'rejected' }, value: rejected }]),
  ];
}
