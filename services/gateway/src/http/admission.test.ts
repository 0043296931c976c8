import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { parseTenantId } from '@shoal/protocol';
import type { Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import { Admission } from './admission.ts';

const tenant = parseTenantId('a');
const newResponse = (): ServerResponse => new EventEmitter().setMaxListeners(0) as unknown as ServerResponse;

/** Time that passes when the test says so. */
class HandTime implements Timers {
  nowMs = 0;
  #next: { readonly atMs: number; readonly callback: () => void }[] = [];

  after(delayMs: number, callback: () => void): () => void {
    const entry = { atMs: this.nowMs + delayMs, callback };
    this.#next.push(entry);
    return () => {
      this.#next = this.#next.filter((other) => other !== entry);
    };
  }

  /** What is due is called only when the loop comes to it. */
  pass(durationMs: number): void {
    this.nowMs += durationMs;
    for (const { atMs, callback } of this.#next.filter((entry) => entry.atMs <= this.nowMs)) {
      this.#next = this.#next.filter((entry) => entry.atMs !== atMs || entry.callback !== callback);
      callback();
    }
  }
}

it('refuses early while the event loop is late again and again, and not for a single hiccup', () => {
  const time = new HandTime();
  const admission = new Admission(time, () => time.nowMs);
  admission.start();
  const admit = (): unknown => admission.admit(tenant, 0, newResponse());
  time.pass(GATEWAY_LIMITS.lagLookMs + 10 * GATEWAY_LIMITS.lagMs);
  expect(admit()).toBeUndefined();
  for (let look = 1; look < GATEWAY_LIMITS.lagSamples; look += 1) time.pass(GATEWAY_LIMITS.lagLookMs + GATEWAY_LIMITS.lagMs + 1);
  expect(admit).toThrow(expect.objectContaining({ code: 'overloaded' }));
  time.pass(GATEWAY_LIMITS.lagLookMs);
  expect(admit()).toBeUndefined();
  admission.close();
});

it('keeps one tenant from taking all places, and gives a place back when the answer is sent or the connection gone', async () => {
  const time = new HandTime();
  const admission = new Admission(time, () => time.nowMs);
  const responses = Array.from({ length: GATEWAY_LIMITS.admittedPerTenant }, newResponse);
  for (const response of responses) expect(admission.admit(tenant, 0, response)).toBeUndefined();
  const waiting = newResponse();
  const admitted = admission.admit(tenant, 0, waiting);
  expect(admitted).toBeDefined();
  expect(await admission.admit(parseTenantId('b'), 0, newResponse())).toBeUndefined();
  const gone = newResponse();
  const given = admission.admit(tenant, 0, gone)?.then(() => 'in', () => 'gone');
  gone.emit('close');
  expect(await given).toBe('gone');
  responses[0]?.emit('close');
  await admitted;
  expect(admission.inside).toBe(GATEWAY_LIMITS.admittedPerTenant + 1);
});

it('reads few large bodies at one time, fewer of one tenant, and everything small beside them', async () => {
  const time = new HandTime();
  const admission = new Admission(time, () => time.nowMs);
  const large = GATEWAY_LIMITS.largeBodyBytes + 1;
  const first = Array.from({ length: GATEWAY_LIMITS.largeBodiesPerTenant }, newResponse);
  for (const response of first) expect(admission.admit(tenant, large, response)).toBeUndefined();
  const next = admission.admit(tenant, undefined, newResponse());
  expect(next).toBeDefined();
  expect(admission.admit(tenant, GATEWAY_LIMITS.largeBodyBytes, newResponse())).toBeUndefined();
  await admission.admit(parseTenantId('b'), large, newResponse());
  first[0]?.emit('close');
  await next;
  const late = admission.admit(tenant, large, newResponse())?.then(() => 'in', (error: { code: string }) => error.code);
  time.pass(GATEWAY_LIMITS.largeBodyWaitMs);
  expect(await late).toBe('overloaded');
});
