import type { EmbeddingCode, ReportedRecall } from '@shoal/protocol';
import { TELEMETRY_LIMITS } from '../limits.ts';
import type { MetricFamily } from './metric-family.ts';

interface RecallCount {
  searches: number;
  expected: number;
  found: number;
}

/** How many of the true nearest neighbours searches found, by embedding: counts, so that they add up over shards. */
export class RecallMeter {
  readonly #byCode = new Map<EmbeddingCode, RecallCount>();

  /** A search that was run again exactly: of `expected` neighbours, `found` were in its answer. */
  record(code: EmbeddingCode, expected: number, found: number): void {
    const known = this.#byCode.get(code);
    if (known === undefined && this.#byCode.size >= TELEMETRY_LIMITS.countedEmbeddings) return;
    const count = known ?? { searches: 0, expected: 0, found: 0 };
    count.searches += 1;
    count.expected += expected;
    count.found += found;
    this.#byCode.set(code, count);
  }

  /** Those with the most samples. */
  counts(): readonly ReportedRecall[] {
    return [...this.#byCode].map(([code, count]) => ({ code, ...count })).sort((a, b) => b.searches - a.searches || a.code - b.code).slice(0, TELEMETRY_LIMITS.shownEmbeddings);
  }

  families(): readonly MetricFamily[] {
    const counts = this.counts();
    const attributes = (code: EmbeddingCode) => ({ 'shoal.embedding.code': String(code) });
    return [
      { type: 'gauge', name: 'shoal.embedding.recall', unit: '1', description: 'Share of the true nearest neighbours that real searches found, as far as they were run again.', points: counts.flatMap(({ code, expected, found }) => (expected === 0 ? [] : [{ attributes: attributes(code), value: found / expected }])) },
      { type: 'counter', name: 'shoal.embedding.recall.searches', unit: '{search}', description: 'Searches that were run again exactly.', points: counts.map(({ code, searches }) => ({ attributes: attributes(code), value: searches })) },
    ];
  }
}
