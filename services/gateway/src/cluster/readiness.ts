import { ShoalError } from '@shoal/protocol';
import { slotRanges } from './slot-ranges.ts';

export interface ReadinessFacts {
  readonly closing: boolean;
  readonly busConnected: boolean;
  readonly catalogueLoaded: boolean;
  readonly unservedSlots: readonly number[];
}

/** Throws `not_ready`, naming everything that is missing. */
export function requireReady(facts: ReadinessFacts): void {
  const missing: string[] = [];
  if (facts.closing) missing.push('the gateway is closing');
  if (!facts.busConnected) missing.push('the message bus is not connected');
  if (!facts.catalogueLoaded) missing.push('the catalogue of embeddings is not loaded');
  if (facts.unservedSlots.length > 0) missing.push(`no shard is ready for slots ${slotRanges(facts.unservedSlots)}`);
  if (missing.length > 0) throw new ShoalError('not_ready', `Not ready: ${missing.join('; ')}.`);
}
