import { ShoalError } from '@shoal/protocol';
import { describe, expect, it } from 'vitest';
import { CLOSE_TIMEOUT_MS, runProcess, type ProcessHost } from './run-process.ts';

/** A world without a process: signals and time come when the test says so. */
function fakeHost() {
  const log: string[] = [];
  const hangups: (() => void)[] = [];
  let signal = (): void => {};
  let deadline: (() => void) | undefined;
  const host: ProcessHost = {
    nodeVersion: '24.0.0',
    onHangup: (listener) => {
      hangups.push(listener);
    },
    onceSignalled: (listener) => {
      signal = listener;
    },
    after: (delayMs, run) => {
      log.push(`deadline ${delayMs}`);
      deadline = run;
    },
    printError: (text) => void log.push(text),
    exit: (code) => void log.push(`exit ${code}`),
  };
  return { host, log, signal: () => signal(), pass: () => deadline?.(), hangUp: () => hangups.forEach((listener) => listener()) };
}

describe('runProcess', () => {
  it('closes after a signal and exits with 0', async () => {
    const { host, log, signal } = fakeHost();
    const running = runProcess('shoal test', async () => ({ close: async () => void log.push('closed') }), host);
    await Promise.resolve();
    signal();
    await running;
    expect(log).toEqual([`deadline ${CLOSE_TIMEOUT_MS}`, 'closed', 'exit 0']);
  });

  it('reads again what may change at every hang-up, and goes on when that fails', async () => {
    const { host, log, signal, hangUp } = fakeHost();
    const reload = async (): Promise<void> => {
      log.push('reload');
      if (log.length > 1) throw new ShoalError('invalid_configuration', 'No key.');
    };
    const running = runProcess('shoal test', async () => ({ reload, close: async () => void log.push('closed') }), host);
    await Promise.resolve();
    hangUp();
    hangUp();
    await Promise.resolve();
    signal();
    await running;
    expect(log).toEqual(['reload', 'reload', 'shoal test: No key. (invalid_configuration)', `deadline ${CLOSE_TIMEOUT_MS}`, 'closed', 'exit 0']);
  });

  it('prints an operating error of the start as one sentence and exits with 1', async () => {
    const { host, log } = fakeHost();
    await runProcess('shoal test', () => Promise.reject(new ShoalError('port_in_use', 'Port 1 is taken.')), host);
    expect(log).toEqual(['shoal test: Port 1 is taken. (port_in_use)', 'exit 1']);
  });

  it('refuses a Node that is too old, in one sentence, and starts nothing', async () => {
    const { host, log } = fakeHost();
    await runProcess('shoal test', async () => ({ close: async () => void log.push('closed') }), { ...host, nodeVersion: '20.19.2' });
    expect(log).toEqual([expect.stringMatching(/^shoal test: Shoal needs Node 24 or newer, and this is 20\.19\.2.*\(invalid_configuration\)$/), 'exit 1']);
  });

  it('shows where a defect came from', async () => {
    const { host, log } = fakeHost();
    await runProcess('shoal test', () => Promise.reject(new TypeError('broken')), host);
    expect(log[0]).toMatch(/^TypeError: broken\n\s+at /);
    expect(log[1]).toBe('exit 1');
  });

  it('exits with 1 when closing fails, and when it takes too long', async () => {
    const failing = fakeHost();
    const failed = runProcess('shoal test', async () => ({ close: () => Promise.reject(new Error('stuck')) }), failing.host);
    failing.signal();
    await failed;
    expect(failing.log.at(-1)).toBe('exit 1');
    const slow = fakeHost();
    void runProcess('shoal test', async () => ({ close: () => new Promise(() => {}) }), slow.host);
    slow.signal();
    slow.pass();
    expect(slow.log.slice(-2)).toEqual([`shoal test: closing took longer than ${CLOSE_TIMEOUT_MS} ms`, 'exit 1']);
  });

  it('closes a service that failed, without a signal, and exits with 1', async () => {
    const { host, log } = fakeHost();
    await runProcess('shoal test', async () => ({ failed: Promise.resolve(new Error('a thread died')), close: async () => void log.push('closed') }), host);
    expect(log).toEqual([expect.stringMatching(/^Error: a thread died/), `deadline ${CLOSE_TIMEOUT_MS}`, 'closed', 'exit 1']);
  });

  it('lets a signal during the start count', async () => {
    const { host, log, signal } = fakeHost();
    const starting = Promise.withResolvers<{ close: () => Promise<void> }>();
    const running = runProcess('shoal test', () => starting.promise, host);
    signal();
    starting.resolve({ close: async () => void log.push('closed') });
    await running;
    expect(log.slice(-2)).toEqual(['closed', 'exit 0']);
  });

  it('aborts a start at a signal, and exits with 0 when the start gives up for it, with 1 when it fails all the same', async () => {
    const { host, log, signal } = fakeHost();
    const giveUp = (start: AbortSignal): Promise<never> => new Promise((_resolve, reject) => start.addEventListener('abort', () => reject(start.reason)));
    const running = runProcess('shoal test', giveUp, host);
    signal();
    await running;
    expect(log).toEqual([`deadline ${CLOSE_TIMEOUT_MS}`, 'exit 0']);
    const failing = fakeHost();
    const failed = runProcess('shoal test', (start) => giveUp(start).catch(() => Promise.reject(new ShoalError('port_in_use', 'Port 1 is taken.'))), failing.host);
    failing.signal();
    await failed;
    expect(failing.log.slice(-2)).toEqual(['shoal test: Port 1 is taken. (port_in_use)', 'exit 1']);
  });
});
