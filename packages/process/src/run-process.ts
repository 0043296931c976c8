import { ShoalError } from '@shoal/protocol';
import { nodeVersionFault } from './node-version.ts';

/** Closing has so long before the process ends all the same, with code 1. Container runtimes kill after 10 s. */
export const CLOSE_TIMEOUT_MS = 8_000;

export interface RunningService {
  /** Resolves, with the reason, when the service is of no use any more and must be started again; absent where that cannot happen. */
  readonly failed?: Promise<Error>;
  /** Reads again what may change while it runs, at every SIGHUP. What goes wrong is printed and changes nothing. */
  reload?(): Promise<void>;
  /** Ends everything that `start` opened, in reverse order. */
  close(): Promise<void>;
}

/** What a process does to the world; the real one is `nodeProcess`. */
export interface ProcessHost {
  /** Such as `24.1.0`. */
  readonly nodeVersion: string;
  /** Calls back once, at the first SIGINT or SIGTERM. */
  onceSignalled(listener: () => void): void;
  /** Calls back at every SIGHUP. */
  onHangup(listener: () => void): void;
  after(delayMs: number, run: () => void): void;
  printError(text: string): void;
  exit(code: number): void;
}

export const nodeProcess: ProcessHost = {
  nodeVersion: process.versions.node,
  onceSignalled(listener) {
    process.once('SIGINT', listener);
    process.once('SIGTERM', listener);
  },
  onHangup: (listener) => void process.on('SIGHUP', listener),
  after(delayMs, run) {
    setTimeout(run, delayMs).unref();
  },
  printError: (text) => console.error(text),
  exit: (code) => process.exit(code),
};

/** An operating error is one sentence for the operator; anything else is a defect and shows where it came from. */
function describe(name: string, error: unknown): string {
  if (error instanceof ShoalError) return `${name}: ${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Runs a service as this process: starts it, waits for SIGINT or SIGTERM, closes it, and exits with 0; with 1 when starting or
 * closing fails, closing takes longer than CLOSE_TIMEOUT_MS, or the service failed, after which it closes without a signal. A signal that comes during the start counts: it aborts
 * the signal that `start` gets. A start that rejects with its reason ends the process with 0; one that goes on ends it as soon as it is through, or at the same deadline.
 */
export async function runProcess(name: string, start: (signal: AbortSignal) => Promise<RunningService>, host: ProcessHost = nodeProcess): Promise<void> {
  const told = new AbortController();
  const limitClosing = (): void => host.after(CLOSE_TIMEOUT_MS, () => {
    host.printError(`${name}: closing took longer than ${CLOSE_TIMEOUT_MS} ms`);
    host.exit(1);
  });
  const signalled = new Promise<void>((resolve) => {
    host.onceSignalled(() => {
      limitClosing();
      resolve();
      told.abort(new ShoalError('not_ready', 'The process was told to end.'));
    });
  });
  try {
    const fault = nodeVersionFault(host.nodeVersion);
    if (fault !== undefined) throw new ShoalError('invalid_configuration', fault);
    const service = await start(told.signal);
    const { reload } = service;
    if (reload !== undefined) host.onHangup(() => void reload.call(service).catch((error: unknown) => host.printError(describe(name, error))));
    const failure = await Promise.race(service.failed === undefined ? [signalled] : [signalled, service.failed]);
    if (failure !== undefined) {
      host.printError(describe(name, failure));
      limitClosing();
    }
    await service.close();
    host.exit(failure === undefined ? 0 : 1);
  } catch (error) {
    if (told.signal.aborted && error === told.signal.reason) return host.exit(0);
    host.printError(describe(name, error));
    host.exit(1);
  }
}
