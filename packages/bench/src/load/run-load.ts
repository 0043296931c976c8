import { BENCH_LIMITS, type BenchConfig } from './bench-config.ts';
import type { BenchCaller, BenchData, BenchTarget, SearchSettings } from './bench-target.ts';
import { LoadRecorder } from './load-recorder.ts';
import { closedLoop, openLoop, type Pace } from './pace.ts';
import { watchUsage, type ProcessUsage } from './process-usage.ts';
import type { SampledSearch, WriteSpan } from './recall-under-load.ts';

/** Gives out rows to writers and remembers when they were applied. */
export class RowLedger {
  readonly writes: WriteSpan[] = [];
  #next: number;

  constructor(firstRow: number) {
    this.#next = firstRow;
  }

  take(count: number, sentAtMs: number): WriteSpan {
    const span = { firstRow: this.#next, count, sentAtMs, ackedAtMs: Infinity };
    this.#next += count;
    this.writes.push(span);
    return span;
  }
}

export interface LoadRun {
  readonly searches: LoadRecorder;
  readonly inserts: LoadRecorder;
  readonly samples: readonly SampledSearch[];
  /** On the clock of the samples. */
  readonly startedAtMs: number;
  readonly seconds: number;
  readonly usage: ProcessUsage;
  readonly ownUsage: ProcessUsage;
}

export interface LoadOptions {
  readonly target: BenchTarget;
  readonly data: BenchData;
  readonly config: Pick<BenchConfig, 'writers' | 'readers' | 'batchSize' | 'searchRate' | 'insertRate' | 'recallSamples'>;
  readonly search: SearchSettings;
  readonly seconds: number;
  readonly ledger: RowLedger;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Loads the target for some seconds and measures it. Operations that began inside the time count, also when they end after it. */
export async function runLoad(options: LoadOptions): Promise<LoadRun> {
  const { target, config, nowMs, seconds, signal } = options;
  const callers = await Promise.all(Array.from({ length: config.readers + config.writers }, () => target.openCaller()));
  try {
    const startedAtMs = nowMs();
    const endsAtMs = startedAtMs + seconds * 1000;
    const paceOf = (rate: number | undefined): Pace => (
      rate === undefined ? closedLoop(endsAtMs, nowMs) : openLoop(rate, startedAtMs, endsAtMs, nowMs));
    const [searchPace, insertPace] = [paceOf(config.searchRate), paceOf(config.insertRate === undefined ? undefined : config.insertRate / config.batchSize)];
    const [searches, inserts] = [new LoadRecorder(startedAtMs), new LoadRecorder(startedAtMs)];
    const sampler = new SearchSampler(config.recallSamples, seconds * 1000, startedAtMs);
    const end = new AbortController();
    const usage = Promise.all([watchUsage(target.processIds, nowMs, end.signal), watchUsage([process.pid], nowMs, end.signal)]);
    await Promise.all(callers.map((caller, index) => (
      index < config.readers
        ? read(caller, index, { ...options, pace: searchPace, recorder: searches, sampler })
        : write(caller, { ...options, pace: insertPace, recorder: inserts }))));
    const elapsedSeconds = Math.max(seconds, (nowMs() - startedAtMs) / 1000);
    end.abort();
    const [targetUsage, ownUsage] = await usage;
    signal.throwIfAborted();
    return { searches, inserts, samples: sampler.samples, startedAtMs, seconds: elapsedSeconds, usage: targetUsage, ownUsage };
  } finally {
    for (const caller of callers) caller.close();
  }
}

/** Picks searches spread evenly over the time of the run. */
class SearchSampler {
  readonly samples: SampledSearch[] = [];
  readonly #count: number;
  readonly #intervalMs: number;
  readonly #startedAtMs: number;

  constructor(count: number, durationMs: number, startedAtMs: number) {
    this.#count = count;
    this.#intervalMs = durationMs / Math.max(1, count);
    this.#startedAtMs = startedAtMs;
  }

  offer(query: number, startedAtMs: number, endedAtMs: number, rows: () => readonly number[]): void {
    if (this.samples.length >= this.#count || startedAtMs < this.#startedAtMs + this.samples.length * this.#intervalMs) return;
    this.samples.push({ query, rows: rows(), startedAtMs, endedAtMs });
  }
}

interface Reading extends LoadOptions {
  readonly pace: Pace;
  readonly recorder: LoadRecorder;
  readonly sampler: SearchSampler;
}

async function read(caller: BenchCaller, reader: number, { pace, recorder, sampler, data, search, nowMs, signal }: Reading): Promise<void> {
  // Readers begin at different queries and step by a number without common divisors, so that none follows another's cache.
  let query = (reader * 7_919) % data.queries.count;
  for (let dueAtMs = await pace.next(); dueAtMs !== undefined && !signal.aborted; dueAtMs = await pace.next()) {
    query = (query + 1) % data.queries.count;
    const sentAtMs = nowMs();
    try {
      const rows = await caller.search(query, search);
      const endedAtMs = nowMs();
      recorder.succeeded(dueAtMs, endedAtMs, 1);
      sampler.offer(query, sentAtMs, endedAtMs, rows);
    } catch (error) {
      recorder.failed(error);
      if (isEnded(error)) return;
    }
  }
}

interface Writing extends LoadOptions {
  readonly pace: Pace;
  readonly recorder: LoadRecorder;
}

async function write(caller: BenchCaller, { pace, recorder, ledger, config, nowMs, signal }: Writing): Promise<void> {
  for (let dueAtMs = await pace.next(); dueAtMs !== undefined && !signal.aborted; dueAtMs = await pace.next()) {
    const span = ledger.take(config.batchSize, nowMs());
    try {
      await caller.insert(span.firstRow, span.count);
      span.ackedAtMs = nowMs();
      recorder.succeeded(dueAtMs, span.ackedAtMs, span.count);
    } catch (error) {
      recorder.failed(error);
      if (isEnded(error)) return;
    }
  }
}

/** A connection that ended stays so: its caller has nothing more to do, and the error is in the report. */
const isEnded = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'connection';

/** Fills the database with rows 0 to `rows` - 1, in batches. Returns the vectors per second. */
export async function fill(target: BenchTarget, rows: number, nowMs: () => number, say: (line: string) => void, signal: AbortSignal): Promise<number> {
  const callers = await Promise.all(Array.from({ length: BENCH_LIMITS.loadCallers }, () => target.openCaller()));
  const startedAtMs = nowMs();
  let next = 0;
  try {
    await Promise.all(callers.map(async (caller) => {
      for (let first = next; first < rows; first = next) {
        signal.throwIfAborted();
        next = Math.min(rows, first + BENCH_LIMITS.loadBatchSize);
        const isMilestone = Math.floor(first / 25_000) !== Math.floor(next / 25_000);
        await caller.insert(first, next - first);
        if (isMilestone) say(`${next} rows in after ${((nowMs() - startedAtMs) / 1000).toFixed(1)} s`);
      }
    }));
  } finally {
    for (const caller of callers) caller.close();
  }
  return rows / ((nowMs() - startedAtMs) / 1000);
}
