import { ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from './limits.ts';
import type { RequestHandler } from './requests.ts';
import { Wakeup } from './wakeup.ts';

/** One server of a subject: its handler and how many requests it works on. */
export class ServedSubject {
  readonly handler: RequestHandler;
  inFlight = 0;
  readonly #ended = new Wakeup();

  constructor(handler: RequestHandler) {
    this.handler = handler;
  }

  end(): void {
    this.inFlight--;
    this.#ended.notify();
  }

  /** Resolves when no request is under way, at most after `closeMs`. */
  async drained(): Promise<void> {
    const expired = AbortSignal.timeout(BUS_LIMITS.closeMs);
    expired.addEventListener('abort', () => this.#ended.notify());
    while (this.inFlight > 0 && !expired.aborted) await this.#ended.wait();
  }
}

/**
 * Runs the handler; whatever goes wrong rejects with a ShoalError: the handler's own, `internal` for any other error,
 * `overloaded` when the server has its hands full, `body_too_large` for an answer that cannot be carried.
 */
export async function runHandler(server: ServedSubject, payload: Uint8Array, traceParent?: string): Promise<Uint8Array> {
  if (server.inFlight >= BUS_LIMITS.inFlightPerServer) {
    throw new ShoalError('overloaded', 'The server of this subject has too many requests under way.', { limit: BUS_LIMITS.inFlightPerServer });
  }
  server.inFlight++;
  try {
    const answer = await server.handler(payload, traceParent);
    if (answer.length > BUS_LIMITS.answerBytes) {
      throw new ShoalError('body_too_large', `The answer of ${answer.length} bytes is over the limit of ${BUS_LIMITS.answerBytes}; ask for less at a time.`, { limit: BUS_LIMITS.answerBytes });
    }
    return answer;
  } catch (error) {
    throw error instanceof ShoalError ? error : new ShoalError('internal', error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    server.end();
  }
}
