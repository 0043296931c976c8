import type { Timers } from '@shoal/pacing';
import { ShoalError, type ErrorCode } from '@shoal/protocol';
import { describe, expect, it } from 'vitest';
import { startUntil, type StartTry } from './start-until.ts';

/** Time that passes only while somebody waits. */
class PassingTime implements Timers {
  nowMs = 0;
  readonly pauses: number[] = [];

  after(delayMs: number, callback: () => void): () => void {
    this.pauses.push(delayMs);
    let isCancelled = false;
    queueMicrotask(() => {
      if (isCancelled) return;
      this.nowMs += delayMs;
      callback();
    });
    return () => (isCancelled = true);
  }
}

/** A service whose start fails with these codes, one try each, after it has opened two things. */
function fixture(codes: readonly ErrorCode[], options: { readonly timeoutMs?: number; readonly tryMs?: number } = {}) {
  const time = new PassingTime();
  const controller = new AbortController();
  const events: string[] = [];
  const left = [...codes];
  const start = async ({ opened, remainingMs }: StartTry): Promise<string> => {
    events.push(`try with ${remainingMs} ms`);
    opened.keep('bus', (name) => void events.push(`close ${name}`));
    opened.keep('shard', async (name) => void events.push(`close ${name}`));
    time.nowMs += options.tryMs ?? 0;
    const code = left.shift();
    if (code !== undefined) throw new ShoalError(code, 'It failed.');
    return 'service';
  };
  const onRetry = (error: ShoalError): void => void events.push(`again after ${error.code}`);
  const run = (): Promise<string> => startUntil({ timeoutMs: options.timeoutMs ?? 10_000, signal: controller.signal, timers: time, elapsedMs: () => time.nowMs, onRetry }, start);
  return { run, events, time, controller };
}

describe('startUntil', () => {
  it('tries again after retryable errors, having closed in reverse order what was opened, and keeps what the last try opened', async () => {
    const { run, events, time } = fixture(['bus_unreachable', 'log_unavailable']);
    expect(await run()).toBe('service');
    expect(events).toEqual([
      'try with 10000 ms', 'close shard', 'close bus', 'again after bus_unreachable',
      'try with 9750 ms', 'close shard', 'close bus', 'again after log_unavailable',
      'try with 9250 ms',
    ]);
    expect(time.pauses).toEqual([250, 500]);
  });

  it.each(['log_incompatible', 'bus_incompatible', 'invalid_configuration', 'shard_name_taken', 'port_in_use', 'directory_locked'] as const)('ends at once with %s, having closed what was opened', async (code) => {
    const { run, events } = fixture([code]);
    await expect(run()).rejects.toMatchObject({ code });
    expect(events).toEqual(['try with 10000 ms', 'close shard', 'close bus']);
  });

  it('ends at once with a defect', async () => {
    const { time, controller } = fixture([]);
    const options = { timeoutMs: 10_000, signal: controller.signal, timers: time, elapsedMs: () => time.nowMs, onRetry: () => expect.unreachable('a defect is no reason to try again') };
    await expect(startUntil(options, () => Promise.reject(new TypeError('broken')))).rejects.toThrow('broken');
  });

  it('ends with the last error when the next try would come after the deadline, and waits ever longer up to a bound', async () => {
    const { run, events, time } = fixture(new Array<ErrorCode>(100).fill('bus_unreachable'), { tryMs: 500 });
    await expect(run()).rejects.toMatchObject({ code: 'bus_unreachable' });
    expect(time.nowMs).toBeLessThan(10_000);
    expect(time.pauses).toEqual([250, 500, 1_000, 2_000, 2_000]);
    expect(events.slice(-3)).toEqual(['try with 1750 ms', 'close shard', 'close bus']);
  });

  it('ends with the reason of the signal: before a try, in one that fails, and between two', async () => {
    const before = fixture([]);
    before.controller.abort('told to');
    await expect(before.run()).rejects.toBe('told to');
    expect(before.events).toEqual([]);

    const { time, controller, events } = fixture([]);
    const options = { timeoutMs: 10_000, signal: controller.signal, timers: time, elapsedMs: () => time.nowMs, onRetry: () => void events.push('again') };
    const during = startUntil(options, async ({ opened, signal }) => {
      opened.keep('bus', (name) => void events.push(`close ${name}`));
      controller.abort('told to');
      throw new ShoalError(signal.aborted ? 'bus_unreachable' : 'internal', 'It failed.');
    });
    await expect(during).rejects.toBe('told to');
    expect(events).toEqual(['close bus']);

    const between = fixture(['bus_unreachable']);
    between.time.after = () => {
      queueMicrotask(() => between.controller.abort('told to'));
      return () => undefined;
    };
    await expect(between.run()).rejects.toBe('told to');
    expect(between.events).toEqual(['try with 10000 ms', 'close shard', 'close bus', 'again after bus_unreachable']);
  });
});
