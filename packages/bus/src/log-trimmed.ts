import { ShoalError, type Slot } from '@shoal/protocol';

export function logTrimmed(slot: Slot, from: number, trimmedBefore: number): ShoalError {
  return new ShoalError('log_trimmed', `The log of slot ${slot} begins at ${trimmedBefore}; position ${from}, which was to be read, was trimmed. A snapshot holds what came before.`);
}
