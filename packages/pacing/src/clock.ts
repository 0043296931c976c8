/** Time as a dependency: whoever waits or measures gets it handed in, and tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970; it should not jump. */
  nowMs(): number;
}

export interface Timers {
  /** Calls back once after the delay; returns the function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The process's own timers, for main.ts to hand to everything that waits. */
export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after the delay, or at once when the signal aborts. The process stays alive meanwhile. */
export function pause(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = timers.after(delayMs, resolve);
  if (signal === undefined) return promise;
  const onAbort = (): void => {
    cancel();
    resolve();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', onAbort));
}

/** Settles like `work`, or rejects with the error of `onTimeout` when that takes longer than `timeoutMs`. */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, timers: Timers, onTimeout: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(Math.max(0, timeoutMs), () => reject(onTimeout()));
    work.then(resolve, reject).finally(cancel);
  });
}
