import type { MeasuredEngine, VectorRows } from './measured-engine.ts';

/** Ids that a query was answered with. */
export type AnswerIds = (query: number) => ArrayLike<number | bigint>;

/** An engine that is asked all queries at once, and spreads them over its threads. */
export interface ParallelEngine {
  readonly name: string;
  /** Inserts every row under its row number, on as many threads as the engine inserts with. */
  build(data: VectorRows): Promise<void>;
  /** Bytes per vector: of memory where the engine tells, else of its saved file. */
  bytesPerVector(): number;
  /** Prepares for searches with this beam width; not timed. */
  setEf(ef: number): void;
  /** Searches for the k nearest of every query. */
  searchAll(k: number): Promise<AnswerIds>;
  close(): Promise<void>;
}

/** An engine whose interface takes one query after the other, on the calling thread. */
export function oneAfterTheOther(engine: MeasuredEngine, queryCount: number): ParallelEngine {
  return {
    name: engine.name,
    async build(data) { engine.build(data); },
    bytesPerVector: () => engine.bytesPerVector(),
    setEf(ef) { engine.setEf(ef); },
    async searchAll(k) {
      const found = Array.from({ length: queryCount }, (_, query) => engine.search(query, k));
      return (query) => found[query] ?? [];
    },
    async close() { engine.close(); },
  };
}
