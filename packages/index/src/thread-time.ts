/** Time as the calling thread spends it. */
export interface ThreadTime {
  /** Milliseconds that only grow, with fractions. */
  nowMs(): number;
  /** Processor time that this thread has taken so far, milliseconds. */
  cpuMs(): number;
  /** Calls back in the next turn of the event loop, when what waited in this one has been served. */
  nextTurn(callback: () => void): void;
}

/** That of this thread; undefined where Node does not tell a thread's processor time (before 23.9). */
export function systemThreadTime(): ThreadTime | undefined {
  if (typeof process.threadCpuUsage !== 'function') return undefined;
  return {
    nowMs: () => performance.now(),
    cpuMs: () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1_000;
    },
    nextTurn: (callback) => void setImmediate(callback),
  };
}
