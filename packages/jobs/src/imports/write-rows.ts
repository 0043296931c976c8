/** Good rows into an embedding. */
import type { EmbeddingHandle, ReceiptJson } from '@shoal/client';
import { LIMITS, ShoalError, mergeReceipts, parseReceipt, receiptToJson, type ErrorCode } from '@shoal/protocol';
import type { GoodRow, RejectedRow } from '../formats/row.ts';
import { JOB_LIMITS } from '../limits.ts';

export interface RowWrite {
  readonly handle: Pick<EmbeddingHandle, 'upsert'>;
  /** The same rows written again under the same name take effect once; each write has a name of its own when absent. */
  readonly name?: string;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export interface WrittenRows {
  readonly accepted: number;
  readonly refused: readonly RejectedRow[];
  readonly receipt: ReceiptJson;
}

/** The highest sequence of each slot: slots' sequences only grow. */
export function joinReceipts(a: ReceiptJson, b: ReceiptJson): ReceiptJson {
  return receiptToJson(mergeReceipts([parseReceipt(a, LIMITS.slots), parseReceipt(b, LIMITS.slots)]));
}

/** The row that a refused write is about, if the fault lies with a row. */
function rowAtFault(error: unknown, rows: readonly GoodRow[]): { readonly index: number; readonly code: ErrorCode; readonly reason: string } | undefined {
  if (!(error instanceof ShoalError) || error.retryable) return undefined;
  const index = Number(/^vectors\[(\d+)\]/.exec(error.field ?? '')?.[1] ?? NaN);
  return rows[index] === undefined ? undefined : { index, code: error.code, reason: error.message.slice(0, JOB_LIMITS.rejectionReasonChars) };
}

/**
 * Writes all rows and waits until they are applied, so no import runs ahead of the shards. Rows that the server refuses, such as for the type
 * of a field that was declared lately, are left out and the others written again, under a further name, because a name stands for one content.
 */
export async function writeRows(rows: readonly GoodRow[], { handle, name, timeoutMs, signal }: RowWrite): Promise<WrittenRows> {
  const left = [...rows];
  const refused: RejectedRow[] = [];
  while (left.length > 0) {
    const idempotencyKey = name === undefined || refused.length === 0 ? name : `${name}.${refused.length}`;
    try {
      const { receipt } = await handle.upsert(left, {
        batchVectors: JOB_LIMITS.writeVectors, inFlight: JOB_LIMITS.writesInFlight, wait: 'applied', signal,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      return { accepted: left.length, refused, receipt };
    } catch (error) {
      const fault = rowAtFault(error, left);
      if (fault === undefined) throw error;
      const [row] = left.splice(fault.index, 1);
      if (row !== undefined) refused.push({ row: row.row, ...(row.line === undefined ? {} : { line: row.line }), code: fault.code, reason: fault.reason });
    }
  }
  return { accepted: 0, refused, receipt: {} };
}
