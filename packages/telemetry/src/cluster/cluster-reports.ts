import { SUBJECTS, decodeMetricsReport, encodeMetricsReport, type EmbeddingCode, type MetricsReport } from '@shoal/protocol';
import { TELEMETRY_LIMITS } from '../limits.ts';
import { folded } from './folded-reports.ts';
import type { ReportChannel } from './report-channel.ts';

export interface ClusterReportsOptions {
  readonly channel: ReportChannel;
  readonly nowMs: () => number;
  /** Told about a report that cannot be read; it is left out. */
  readonly onUnreadable: (error: unknown) => void;
}

interface HeardReport {
  readonly report: MetricsReport;
  readonly heardAtMs: number;
}

/** One start of one service, by what it said last. */
export interface KnownInstance {
  readonly latest: HeardReport;
  /** What it had said about a rate window before; for one that started since then, nothing. */
  readonly before: HeardReport | undefined;
  readonly retired: boolean;
}

const keyOf = ({ service, instance, startedAtMs }: MetricsReport): string => `${service}/${instance}/${startedAtMs}`;

/**
 * What all instances of all services said last.
 *
 * Invariants:
 * 1. An instance counts once, with the newest report that was heard of it: reports are cumulative, so a lost one is made up for by the
 *    next, and an older one that comes late changes nothing.
 * 2. An instance that ended counts on with its last report; its successor is another instance and starts at 0.
 * 3. So no sum over instances ever decreases. The one exception is a start of all gateways at once, which begins anew.
 * 4. A gateway that starts asks the others what they know, the last reports of instances that are gone above all.
 */
export class ClusterReports {
  readonly #options: ClusterReportsOptions;
  readonly #histories = new Map<string, HeardReport[]>();
  /** Reports that made place for others, and the names of all whose counts are in them. */
  #folded: MetricsReport[] = [];
  readonly #foldedKeys = new Set<string>();
  readonly #listening: { close(): Promise<void> }[] = [];
  #repeatedAtMs = Number.NEGATIVE_INFINITY;
  #askAgainAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ClusterReportsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { channel } = this.#options;
    this.#listening.push(await channel.listen(SUBJECTS.metrics, (payload) => this.#receive(payload)));
    this.#listening.push(await channel.listen(SUBJECTS.metricsWanted, () => this.#repeat()));
    this.#ask();
    this.#askAgainAtMs = this.#options.nowMs() + TELEMETRY_LIMITS.askAgainMs;
  }

  async close(): Promise<void> {
    await Promise.all(this.#listening.splice(0).map((listening) => listening.close()));
  }

  instances(): readonly KnownInstance[] {
    const nowMs = this.#options.nowMs();
    const known = [...this.#histories.values()].flatMap((history): KnownInstance[] => {
      const latest = history.at(-1);
      if (latest === undefined) return [];
      const retired = nowMs - latest.heardAtMs > TELEMETRY_LIMITS.silentMs;
      return [{ latest, before: history.length > 1 ? history[0] : undefined, retired }];
    });
    return [...known, ...this.#folded.map((report) => ({ latest: { report, heardAtMs: 0 }, before: undefined, retired: true }))];
  }

  hear(report: MetricsReport): void {
    const key = keyOf(report);
    if (this.#foldedKeys.has(key)) return;
    const history = this.#histories.get(key);
    const heard: HeardReport = { report, heardAtMs: this.#options.nowMs() };
    if (history === undefined) {
      this.#makePlace();
      this.#histories.set(key, [heard]);
      return;
    }
    const latest = history.at(-1);
    if (latest !== undefined && report.count <= latest.report.count) return;
    this.#remember(history, latest === undefined ? heard : { ...heard, report: carriedOver(latest.report, report) });
  }

  /** Keeps the newest report, and older ones a rate step apart as far back as the rate window. */
  #remember(history: HeardReport[], heard: HeardReport): void {
    const { rateStepMs, rateWindowMs } = TELEMETRY_LIMITS;
    const before = history.at(-2);
    if (before !== undefined && heard.heardAtMs - before.heardAtMs < rateStepMs) history.pop();
    history.push(heard);
    while (history.length > 2 && heard.heardAtMs - (history[1]?.heardAtMs ?? 0) >= rateWindowMs) history.shift();
  }

  /** The instance that has been silent for longest makes place for a new one. */
  #makePlace(): void {
    if (this.#histories.size < TELEMETRY_LIMITS.instances) return;
    let oldest: { readonly key: string; readonly heard: HeardReport } | undefined;
    for (const [key, history] of this.#histories) {
      const heard = history.at(-1);
      if (heard !== undefined && (oldest === undefined || heard.heardAtMs < oldest.heard.heardAtMs)) oldest = { key, heard };
    }
    if (oldest === undefined) return;
    this.#histories.delete(oldest.key);
    if (this.#foldedKeys.size < TELEMETRY_LIMITS.foldedInstances) this.#foldedKeys.add(oldest.key);
    this.#folded = folded(this.#folded, oldest.heard.report);
  }

  /** What others know of instances, the ended ones above all. */
  #ask(): void {
    this.#options.channel.announce(SUBJECTS.metricsWanted, new Uint8Array(0));
  }

  #receive(payload: Uint8Array): void {
    // Once more after a while, for the first question or its answers may have been lost.
    if (this.#options.nowMs() >= this.#askAgainAtMs) {
      this.#askAgainAtMs = Number.POSITIVE_INFINITY;
      this.#ask();
    }
    try {
      this.hear(decodeMetricsReport(payload));
    } catch (error) {
      this.#options.onUnreadable(error);
    }
  }

  /** Says again what instances said: one that has just ended cannot, and who lives loses nothing by it. */
  #repeat(): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#repeatedAtMs < TELEMETRY_LIMITS.repeatPauseMs) return;
    this.#repeatedAtMs = nowMs;
    for (const { latest } of this.instances().slice(0, TELEMETRY_LIMITS.repeatedReports)) this.#options.channel.announce(SUBJECTS.metrics, encodeMetricsReport(latest.report));
  }
}

/** Embeddings that fell out of the busiest keep what was last said of them: their counts must not vanish. */
function carriedOver(previous: MetricsReport, report: MetricsReport): MetricsReport {
  const carry = <Item extends { readonly code: EmbeddingCode }>(before: readonly Item[], now: readonly Item[]): readonly Item[] => {
    const present = new Set(now.map(({ code }) => code));
    return [...now, ...before.filter(({ code }) => !present.has(code))].slice(0, TELEMETRY_LIMITS.countedEmbeddings);
  };
  return { ...report, embeddings: carry(previous.embeddings, report.embeddings), recall: carry(previous.recall, report.recall) };
}
