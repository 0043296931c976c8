import { EngineClosedError, EngineOverloadedError } from '@shoal/index';
import { ShoalError, type ItemFailure } from '@shoal/protocol';

/** What an item of a message is answered that failed; what no item may fail by is thrown on. */
export function failureOf(error: unknown): ItemFailure {
  if (error instanceof ShoalError) return { ok: false, error: error.code, message: error.message };
  if (error instanceof EngineOverloadedError) return { ok: false, error: 'overloaded', message: 'Too many searches wait on this shard. Try again shortly.' };
  if (error instanceof EngineClosedError) return { ok: false, error: 'slot_unavailable', message: 'The shard is closing. Try again.' };
  throw error;
}
