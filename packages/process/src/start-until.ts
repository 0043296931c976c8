import { pause, type Timers } from '@shoal/pacing';
import { ShoalError } from '@shoal/protocol';
import { Opened } from './opened.ts';

/**
 * How long a start goes on trying. JetStream takes up to ten seconds to elect leaders after one of its servers was lost, and a start that
 * comes in the midst of a rolling restart meets that more than once.
 */
export const START_TIMEOUT_MS = 60_000;

/** Pause before a start is tried again: doubles from the first to the second. */
const RETRY_MS = 250;
const RETRY_MAX_MS = 2_000;

export interface StartUntilOptions {
  readonly timeoutMs: number;
  /** Aborts when the process is told to end. */
  readonly signal: AbortSignal;
  readonly timers: Timers;
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
  /** Hears why a try failed that is followed by another one. */
  readonly onRetry: (error: ShoalError) => void;
}

/** One try to start. */
export interface StartTry {
  /** What the try opens goes in here, so that it is closed when a later step fails. */
  readonly opened: Opened;
  /** Until the deadline of the whole start. */
  readonly remainingMs: number;
  /** As in the options, for steps that try again by themselves. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: ShoalError) => void;
}

/**
 * Tries to start until it succeeds. An error that is not retryable ends it at once, and so does the first error after `timeoutMs`, or one
 * for which the next try would come later than that; what the failed try had opened is closed by then. Rejects with the signal's reason when
 * that aborts between two tries or makes one fail.
 */
export async function startUntil<Service>(options: StartUntilOptions, start: (attempt: StartTry) => Promise<Service>): Promise<Service> {
  const { timeoutMs, signal, timers, elapsedMs, onRetry } = options;
  const deadlineMs = elapsedMs() + timeoutMs;
  for (let pauseMs = RETRY_MS; ; pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS)) {
    signal.throwIfAborted();
    const opened = new Opened();
    try {
      return await start({ opened, remainingMs: Math.max(Math.ceil(deadlineMs - elapsedMs()), 1), signal, onRetry });
    } catch (error) {
      await opened.close();
      signal.throwIfAborted();
      if (!(error instanceof ShoalError) || !error.retryable || elapsedMs() + pauseMs >= deadlineMs) throw error;
      onRetry(error);
      await pause(timers, pauseMs, signal);
    }
  }
}
