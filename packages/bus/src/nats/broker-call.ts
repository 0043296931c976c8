import { type ErrorCode, ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from '../limits.ts';
import type { Connection } from './connection.ts';
import { pause } from '../pause.ts';
import { backoffMs } from './retry.ts';

/** Asks the broker something that may be asked again, until it answers or `attemptMs` have passed; then rejects with `code`. */
export async function askBroker<Answer>(connection: Connection, code: ErrorCode, ask: () => Promise<Answer>): Promise<Answer> {
  const deadline = AbortSignal.timeout(BUS_LIMITS.attemptMs);
  for (let attempt = 0; ; attempt++) {
    if (connection.closed) throw new ShoalError('not_ready', 'The bus is closed.');
    try {
      await connection.untilConnected(BUS_LIMITS.attemptMs, deadline);
      return await connection.whileConnected(ask);
    } catch (cause) {
      if (deadline.aborted) throw new ShoalError(code, `The NATS server at ${connection.printable} did not answer in time.`, { cause });
      await pause(backoffMs(attempt), deadline);
    }
  }
}
