import type { MutationLog } from '@shoal/bus';
import { ShoalError, type ErrorCode, type Partition, type Receipt, type Sequence, type Slot } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { withDeadline, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';

/**
 * The sequence that a read of a partition must include: that of the receipt, and in any case the definition of the
 * partition, so that a shard that has not heard of the embedding yet waits instead of denying it.
 */
export function requiredSequence(record: EmbeddingRecord, partition: Partition, slot: Slot, receipt: Receipt): Sequence {
  const definedAt = record.definedAt[partition] ?? (0 as Sequence);
  const asked = receipt.get(slot) ?? (0 as Sequence);
  return asked > definedAt ? asked : definedAt;
}

/** Whether a failure may come from a receipt that no write of this cluster has given. */
export function mayBeUnknownReceipt(code: ErrorCode): boolean {
  return code === 'receipt_timeout' || code === 'deadline_exceeded';
}

/**
 * After a read ran out of time: throws `receipt_unknown` when its receipt lies beyond the end of the log. How far the log has come is not told: other
 * tenants write to it too.
 */
export async function refuseUnknownReceipt(log: MutationLog, slot: Slot, receipt: Receipt, timers: Timers): Promise<void> {
  const sequence = receipt.get(slot);
  if (sequence === undefined) return;
  const timeoutMs = GATEWAY_LIMITS.lastSequenceTimeoutMs;
  let last: Sequence;
  try {
    last = await withDeadline(log.lastSequence(slot), timeoutMs, timers, () => new ShoalError('log_unavailable', 'The log did not tell its end in time.'));
  } catch (error) {
    // The log cannot tell, so the caller keeps the error that the read ended with.
    if (error instanceof ShoalError) return;
    throw error;
  }
  if (sequence > last) {
    throw new ShoalError('receipt_unknown', `The receipt names sequence ${sequence} of slot ${slot}, which the log has not reached.`, { field: `after.${slot}` });
  }
}
