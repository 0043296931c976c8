import type { BenchData, BenchTarget } from '../load/bench-target.ts';
import { RecallOracle } from '../load/recall-under-load.ts';
import { RowLedger, runLoad } from '../load/run-load.ts';

const EFS = [12, 16, 20, 24, 28, 30, 32, 36, 40, 48, 56, 64, 80, 100, 128, 160, 200, 256, 320, 400] as const;
const SECONDS = 1.5;
const SAMPLES = 1_000;
const READERS = 4;

export interface NarrowestEfOptions {
  readonly target: BenchTarget;
  readonly data: BenchData;
  readonly rows: number;
  readonly k: number;
  readonly recall: number;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** By which the beam exceeds the wanted recall, so that other samples of the same searches reach it, too. */
const RECALL_MARGIN = 0.001;

/** The narrowest beam that reaches the wanted recall at k, and a little more, and what it reaches, by a thousand searches each. Throws where none does. */
export async function narrowestEf({ target, data, rows, k, recall, nowMs, signal }: NarrowestEfOptions): Promise<{ readonly ef: number; readonly recall: number }> {
  const ledger = new RowLedger(rows);
  const oracle = new RecallOracle(data, rows, k);
  for (const ef of EFS) {
    const { samples } = await runLoad({
      target, data, ledger, nowMs, signal, seconds: SECONDS, search: { k, ef, path: 'auto' },
      config: { writers: 0, readers: READERS, batchSize: 1, recallSamples: SAMPLES },
    });
    const reached = oracle.measure(samples, [])?.mean ?? 0;
    if (reached >= Math.min(1, recall + RECALL_MARGIN)) return { ef, recall: reached };
  }
  throw new Error(`no beam of up to ${EFS.at(-1)} reaches a recall of ${recall}`);
}
