import type { ServerResponse } from 'node:http';
import { FairGate, type Timers } from '@shoal/pacing';
import { ShoalError, type TenantId } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';

/**
 * Lets requests in, tenants by turns, before their bodies are read; and says no early when there is more than this process can do.
 *
 * Invariants:
 * 1. A request is inside from its admission until its answer is sent or its connection gone.
 * 2. While the event loop has been late in every one of its last GATEWAY_LIMITS.lagSamples looks, requests are refused at once with
 *    `overloaded`: a queue that never empties only makes everybody late.
 */
export class Admission {
  readonly #gate: FairGate;
  readonly #timers: Timers;
  readonly #nowMs: () => number;
  #lateLooks = 0;
  #cancel: () => void = () => undefined;

  /** `nowMs` is a monotonic time. */
  constructor(timers: Timers, nowMs: () => number) {
    const { admittedRequests, admittedPerTenant, waitingRequests, admissionWaitMs, requestCostMaximum } = GATEWAY_LIMITS;
    this.#timers = timers;
    this.#nowMs = nowMs;
    this.#gate = new FairGate({
      places: admittedRequests, placesPerTenant: admittedPerTenant, waiting: waitingRequests, waitMs: admissionWaitMs,
      quantum: 1, costMaximum: requestCostMaximum, subject: 'requests', timers,
    });
  }

  start(): void {
    const { lagLookMs, lagMs } = GATEWAY_LIMITS;
    const dueMs = this.#nowMs() + lagLookMs;
    this.#cancel = this.#timers.after(lagLookMs, () => {
      this.#lateLooks = this.#nowMs() - dueMs > lagMs ? this.#lateLooks + 1 : 0;
      this.start();
    });
  }

  close(): void {
    this.#cancel();
  }

  get inside(): number {
    return this.#gate.inside;
  }

  /** Throws or rejects with `overloaded`. Rejects with nothing to say when the connection goes while the request waits. */
  admit(tenant: TenantId, bodyBytes: number, response: ServerResponse): Promise<void> | undefined {
    if (this.#lateLooks >= GATEWAY_LIMITS.lagSamples) throw new ShoalError('overloaded', 'This gateway has more to do than it can. Try again shortly.');
    const leave = (): void => this.#gate.leave(tenant);
    if (this.#gate.tryEnter(tenant)) {
      response.once('close', leave);
      return undefined;
    }
    return this.#admitLater(tenant, 1 + Math.floor(bodyBytes / GATEWAY_LIMITS.bodyBytesPerTurn), response, leave);
  }

  async #admitLater(tenant: TenantId, cost: number, response: ServerResponse, leave: () => void): Promise<void> {
    const gone = new AbortController();
    const onGone = (): void => gone.abort(new ShoalError('malformed_body', 'The connection ended before the request had its turn.'));
    response.once('close', onGone);
    try {
      await this.#gate.enter(tenant, cost, gone.signal);
    } finally {
      response.off('close', onGone);
    }
    if (response.closed || response.destroyed) leave();
    else response.once('close', leave);
  }
}
