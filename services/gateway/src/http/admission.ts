import type { ServerResponse } from 'node:http';
import { FairGate, type Timers } from '@shoal/pacing';
import { LIMITS, ShoalError, type TenantId } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';

/**
 * Lets requests in, tenants by turns, before their bodies are read; and says no early when there is more than this process can do.
 *
 * Invariants:
 * 1. A request is inside from its admission until its answer is sent or its connection gone. One with a large body, or with a body of unknown length,
 *    takes one of the few places for those besides, so that reading and parsing them leaves room for everything else.
 * 2. While the event loop has been late in every one of its last GATEWAY_LIMITS.lagSamples looks, requests are refused at once with
 *    `overloaded`: a queue that never empties only makes everybody late.
 */
export class Admission {
  readonly #gate: FairGate;
  readonly #largeBodies: FairGate;
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
    const { largeBodies, largeBodiesPerTenant, largeBodyWaitMs } = GATEWAY_LIMITS;
    this.#largeBodies = new FairGate({
      places: largeBodies, placesPerTenant: largeBodiesPerTenant, waiting: waitingRequests, waitMs: largeBodyWaitMs,
      quantum: 1, costMaximum: requestCostMaximum, subject: 'large bodies', timers,
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

  /** `bodyBytes` is undefined where the length is not announced. Throws or rejects with `overloaded`. */
  admit(tenant: TenantId, bodyBytes: number | undefined, response: ServerResponse): Promise<void> | undefined {
    if (this.#lateLooks >= GATEWAY_LIMITS.lagSamples) throw new ShoalError('overloaded', 'This gateway has more to do than it can. Try again shortly.');
    const cost = 1 + Math.floor((bodyBytes ?? 0) / GATEWAY_LIMITS.bodyBytesPerTurn);
    const admitted = enter(this.#gate, tenant, cost, response);
    // One that is larger than allowed is refused before it is read.
    if (bodyBytes !== undefined && (bodyBytes <= GATEWAY_LIMITS.largeBodyBytes || bodyBytes > LIMITS.bodyBytes)) return admitted;
    const admittedLarge = (): Promise<void> | undefined => enter(this.#largeBodies, tenant, cost, response);
    return admitted === undefined ? admittedLarge() : admitted.then(admittedLarge);
  }
}

/** Takes a place until the answer is sent or the connection gone. Rejects when the connection goes while the request waits. */
function enter(gate: FairGate, tenant: TenantId, cost: number, response: ServerResponse): Promise<void> | undefined {
  const leave = (): void => gate.leave(tenant);
  if (!gate.tryEnter(tenant)) return enterLater(gate, tenant, cost, response, leave);
  response.once('close', leave);
  return undefined;
}

async function enterLater(gate: FairGate, tenant: TenantId, cost: number, response: ServerResponse, leave: () => void): Promise<void> {
  const gone = new AbortController();
  const onGone = (): void => gone.abort(new ShoalError('malformed_body', 'The connection ended before the request had its turn.'));
  response.once('close', onGone);
  try {
    await gate.enter(tenant, cost, gone.signal);
  } finally {
    response.off('close', onGone);
  }
  if (response.closed || response.destroyed) leave();
  else response.once('close', leave);
}
