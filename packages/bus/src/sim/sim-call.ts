import { ShoalError, type ErrorCode } from '@shoal/protocol';
import type { SimBroker } from './sim-broker.ts';
import type { SimProcess } from './sim-process.ts';

export interface CallBounds {
  readonly timeoutMs: number;
  readonly attemptMs: number;
  /** What the caller is told when no answer came in time; the call may have had its effect. */
  readonly late: ErrorCode;
}

/**
 * Asks the broker, again and again until the deadline, as a client does that reconnects. The question, the answer or both may be
 * lost, so `ask` may run several times and its effect may happen though the caller hears of an error.
 */
export function callBroker<Result>(broker: SimBroker, process: SimProcess, ask: () => Result, bounds: CallBounds): Promise<Result> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      cancelDeadline();
      finish();
    };
    const cancelDeadline = process.timers.after(bounds.timeoutMs, () => {
      settle(() => reject(new ShoalError(bounds.late, `The broker gave no answer within ${bounds.timeoutMs} ms.`)));
    });
    const attempt = (): void => {
      if (settled) return;
      process.send(() => {
        if (!broker.up) return;
        let answer: () => void;
        try {
          const result = ask();
          answer = () => settle(() => resolve(result));
        } catch (error) {
          answer = () => settle(() => reject(error));
        }
        process.receive(answer);
      });
      process.timers.after(bounds.attemptMs, attempt);
    };
    attempt();
  });
}
