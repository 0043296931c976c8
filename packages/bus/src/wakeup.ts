/**
 * Lets loops sleep until something changes. A caller checks its condition and calls `wait` in the same turn of the event
 * loop, so no notification falls between the two.
 */
export class Wakeup {
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;

  /** Resolves at the next `notify`. Several callers may wait for the same one. */
  wait(): Promise<void> {
    if (this.#waiting === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }

  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }
}
