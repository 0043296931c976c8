/** One run of a load: rows from a file into an embedding, from where the last run stopped. */
import type { Dataset } from '@shoal/bench/datasets';
import type { AcknowledgedBatch, EmbeddingHandle, ReceiptJson, VectorToWrite } from '@shoal/client';
import type { Wait } from '@shoal/protocol';
import { CLI_LIMITS } from '../limits.ts';
import { AcknowledgedRows } from './acknowledged-rows.ts';
import { startMeter, type MeterStart } from './load-meter.ts';
import { writeProgress, type LoadProgress } from './progress-file.ts';
import { ProgressKeeper } from './progress-keeper.ts';

export interface LoadRun {
  readonly dataset: Dataset;
  readonly handle: EmbeddingHandle;
  /** Key of a row without one of its own: the prefix and the row number. */
  readonly keyPrefix: string;
  readonly batchVectors: number;
  readonly inFlight: number;
  readonly wait: Wait;
  readonly progressPath: string;
  /** What earlier runs acknowledged. */
  readonly start: Pick<LoadProgress, 'rowsBelow' | 'receipt'>;
  readonly output: MeterStart['output'];
  readonly nowMs: () => number;
  /** Ends the reading; what is in flight is still acknowledged and counted. */
  readonly interrupt: AbortSignal;
}

export interface LoadResult {
  /** Every row under this one is acknowledged, by this run or earlier ones. */
  readonly rowsBelow: number;
  readonly isComplete: boolean;
  readonly receipt: ReceiptJson;
  readonly durationMs: number;
}

async function* rowsToWrite({ dataset, start, keyPrefix, interrupt }: LoadRun): AsyncGenerator<VectorToWrite> {
  for await (const { row, values, key, payload } of dataset.rows({ startRow: start.rowsBelow })) {
    if (interrupt.aborted) return;
    yield { key: key ?? `${keyPrefix}${row}`, values, ...(payload === undefined ? {} : { payload }) };
  }
}

/** The receipts only grow, because every slot's sequences do. */
function joinReceipts(a: ReceiptJson, b: ReceiptJson): ReceiptJson {
  const joined: Record<string, number> = { ...a };
  for (const [slot, sequence] of Object.entries(b)) joined[slot] = Math.max(joined[slot] ?? 0, sequence);
  return joined;
}

/** Keeps its place on disk whatever happens: on the way, at the end, after an interrupt and before an error is thrown on. */
export async function runLoad(run: LoadRun): Promise<LoadResult> {
  const { dataset, handle, start, nowMs } = run;
  const startedMs = nowMs();
  const rows = new AcknowledgedRows(start.rowsBelow);
  const meter = startMeter({ output: run.output, startRow: start.rowsBelow, totalRows: dataset.rowCount, nowMs });
  const keeper = new ProgressKeeper((progress) => writeProgress(run.progressPath, progress), CLI_LIMITS.progressSaveIntervalMs, nowMs);
  let receipt = start.receipt;
  let isComplete = false;
  const place = (): LoadProgress => ({ file: dataset.path, embedding: handle.name, rowsBelow: rows.below, isComplete, receipt });
  const onBatch = (batch: AcknowledgedBatch): void => {
    rows.add(start.rowsBelow + batch.firstIndex, batch.vectorCount);
    receipt = joinReceipts(receipt, batch.receipt);
    meter.show(rows.below);
    keeper.offer(place());
  };
  try {
    await handle.upsert(rowsToWrite(run), { batchVectors: run.batchVectors, inFlight: run.inFlight, wait: run.wait, onBatch });
    isComplete = !run.interrupt.aborted || rows.below === dataset.rowCount;
  } finally {
    meter.end();
    await keeper.keep(place());
  }
  return { rowsBelow: rows.below, isComplete, receipt, durationMs: nowMs() - startedMs };
}
