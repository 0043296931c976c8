/** Time as a dependency: tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970; it should not jump. */
  nowMs(): number;
}

export interface Timers {
  /** Calls back once after the delay; returns the function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after the delay. The process stays alive meanwhile. */
export function pause(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(delayMs, resolve);
  });
}

/** Settles like `work`, or rejects with the error of `onTimeout` when that takes longer than `timeoutMs`. */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, timers: Timers, onTimeout: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(Math.max(0, timeoutMs), () => reject(onTimeout()));
    work.then(resolve, reject).finally(cancel);
  });
}
