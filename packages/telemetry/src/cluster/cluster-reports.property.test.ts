import { SUBJECTS, encodeMetricsReport, parseEmbeddingCode, type MetricsReport, type MetricsSummary } from '@shoal/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf } from '../histograms/latency-buckets.ts';
import { TELEMETRY_LIMITS } from '../limits.ts';
import { ServiceMeter } from '../meter/service-meter.ts';
import { ClusterReports } from './cluster-reports.ts';
import { metricsSummary } from './metrics-summary.ts';
import type { ReportChannel } from './report-channel.ts';
import { reportOf } from './service-report.ts';

/** Announcements to all who listen, each lost or delivered as it is told. */
class TestChannel implements ReportChannel {
  readonly #listeners = new Map<string, Set<(payload: Uint8Array) => void>>();

  announce(subject: string, payload: Uint8Array): void {
    for (const listener of this.#listeners.get(subject) ?? []) listener(payload);
  }

  async listen(subject: string, listener: (payload: Uint8Array) => void): Promise<{ close(): Promise<void> }> {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(listener));
    return { close: async () => void listeners.delete(listener) };
  }
}

/** A process as the test plays it: what a collector would have scraped of it when it said its last report. */
class PlayedInstance {
  readonly meter = new ServiceMeter('gateway');
  readonly #identity: { readonly instance: string; readonly startedAtMs: number; readonly version: string };
  #count = 0;
  /** Durations in microseconds, as of the last report that arrived. */
  scraped: readonly number[] = [];
  readonly #done: number[] = [];

  constructor(number: number) {
    this.#identity = { instance: `i${number}`, startedAtMs: 1_000 + number, version: 'test' };
  }

  work(durationUs: number): void {
    this.meter.record('VectorSearch', durationUs, 1, parseEmbeddingCode(1));
    this.#done.push(durationUs);
  }

  report(): MetricsReport {
    this.#count += 1;
    return reportOf(this.meter, this.#identity, this.#count);
  }

  arrived(): void {
    this.scraped = [...this.#done];
  }
}

type Step =
  | { readonly type: 'work'; readonly durationUs: number }
  | { readonly type: 'report'; readonly lost: boolean; readonly twice: boolean }
  | { readonly type: 'restart' }
  | { readonly type: 'late' }
  | { readonly type: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('work' as const), durationUs: fc.integer({ min: 0, max: 600_000 }) }),
  fc.record({ type: fc.constant('report' as const), lost: fc.boolean(), twice: fc.boolean() }),
  fc.record({ type: fc.constant('restart' as const) }),
  fc.record({ type: fc.constant('late' as const) }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30_000 }) }),
);
const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), step), { maxLength: 120 });

const figuresOf = ({ operations }: MetricsSummary) => operations.find(({ operation }) => operation === 'vector_search');

describe('sums over a cluster', () => {
  it('are those of a collector, whatever restarts, is lost, comes twice or late; and never decrease', () => {
    fc.assert(
      fc.property(steps, (plan) => {
        let nowMs = 1_000_000;
        let started = 0;
        const begin = (): PlayedInstance => new PlayedInstance(started++);
        const reports = new ClusterReports({ channel: new TestChannel(), nowMs: () => nowMs, onUnreadable: (error) => expect.fail(String(error)) });
        const ended: PlayedInstance[] = [];
        const running = [begin(), begin(), begin()];
        const old: MetricsReport[] = [];
        let before = 0;
        for (const [place, { type, ...more }] of plan) {
          const instance = running[place] as PlayedInstance;
          if (type === 'work') instance.work((more as { durationUs: number }).durationUs);
          if (type === 'wait') nowMs += (more as { ms: number }).ms;
          if (type === 'restart') {
            ended.push(instance);
            running[place] = begin();
          }
          if (type === 'late' && old.length > 0) reports.hear(old[place % old.length] as MetricsReport);
          if (type === 'report') {
            const { lost, twice } = more as { lost: boolean; twice: boolean };
            const report = instance.report();
            if (!lost) {
              reports.hear(report);
              instance.arrived();
              old.push(report);
              if (twice) reports.hear(report);
            }
          }
          const summary = metricsSummary(reports.instances(), () => undefined);
          const durations = [...ended, ...running].flatMap(({ scraped }) => scraped);
          const buckets = new Array<number>(20).fill(0);
          for (const us of durations) buckets[bucketOf(us)] = (buckets[bucketOf(us)] ?? 0) + 1;
          const figures = figuresOf(summary);
          expect(figures?.buckets ?? new Array<number>(20).fill(0)).toEqual(buckets);
          expect(figures?.count ?? 0).toBe(durations.length);
          expect(summary.embeddings[0]?.operations[0]?.count ?? 0).toBe(durations.length);
          expect(figures?.count ?? 0).toBeGreaterThanOrEqual(before);
          before = figures?.count ?? 0;
        }
      }),
    );
  });

  it('hold for a gateway that starts later: it asks for what instances said that are gone', async () => {
    const channel = new TestChannel();
    let nowMs = 0;
    const options = { channel, nowMs: () => nowMs, onUnreadable: (error: unknown) => expect.fail(String(error)) };
    const first = new ClusterReports(options);
    await first.start();
    const gone = new PlayedInstance(0);
    for (let us = 1; us <= 10; us += 1) gone.work(us);
    channel.announce(SUBJECTS.metrics, encodeMetricsReport(gone.report()));
    nowMs += TELEMETRY_LIMITS.silentMs + 1;
    const second = new ClusterReports(options);
    await second.start();
    expect(figuresOf(metricsSummary(second.instances(), () => undefined))?.count).toBe(10);
    expect(metricsSummary(first.instances(), () => undefined).operations).toEqual(metricsSummary(second.instances(), () => undefined).operations);
    await first.close();
    await second.close();
  });

  it('hold beyond the number of instances that are remembered one by one, and count nothing twice', () => {
    let nowMs = 0;
    const reports = new ClusterReports({ channel: new TestChannel(), nowMs: () => nowMs, onUnreadable: () => undefined });
    const count = TELEMETRY_LIMITS.instances + 20;
    let first: MetricsReport | undefined;
    for (let number = 0; number < count; number += 1) {
      nowMs += 1;
      const instance = new PlayedInstance(number);
      instance.work(5);
      const report = instance.report();
      first ??= report;
      reports.hear(report);
    }
    if (first !== undefined) reports.hear({ ...first, count: 9 });
    expect(reports.instances().length).toBe(TELEMETRY_LIMITS.instances + 1);
    expect(figuresOf(metricsSummary(reports.instances(), () => undefined))?.count).toBe(count);
  });

  it('tell rates of the last minute from the instances that live', () => {
    let nowMs = 0;
    const reports = new ClusterReports({ channel: new TestChannel(), nowMs: () => nowMs, onUnreadable: () => undefined });
    const instance = new PlayedInstance(0);
    for (let second = 0; second <= 120; second += 2) {
      nowMs = second * 1_000;
      for (let search = 0; search < 20; search += 1) instance.work(second < 60 ? 1_000 : 3_000);
      reports.hear(instance.report());
    }
    const figures = figuresOf(metricsSummary(reports.instances(), () => undefined));
    expect(figures?.perSecond).toBeCloseTo(10, 5);
    expect(figures?.latencyLastMinute?.p50).toMatchObject({ lowerMs: 2.048, upperMs: 4.096 });
    nowMs += TELEMETRY_LIMITS.silentMs + 1;
    expect(figuresOf(metricsSummary(reports.instances(), () => undefined))?.perSecond).toBe(0);
  });
});
