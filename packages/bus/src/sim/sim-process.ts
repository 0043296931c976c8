import type { Timers } from '@shoal/pacing';
import type { SimWorld } from './world.ts';

/** What the way between a process and the broker does to what travels on it. */
export interface SimLink {
  /** Nothing gets through, in either direction, and nobody is told. */
  cut: boolean;
  /** Of one message, either way. */
  lossRate: number;
  readonly delayMs: readonly [least: number, most: number];
}

/**
 * A process of the simulated cluster. When it is killed, whatever it was doing stops where it stands: promises that it waits for
 * never settle, its timers never ring, and what it sent is still on its way.
 */
export class SimProcess {
  readonly name: string;
  readonly world: SimWorld;
  readonly link: SimLink;
  readonly timers: Timers;
  readonly #onKill = new Set<() => void>();
  #alive = true;
  #stoppedUntilMs = 0;
  #lastSentMs = 0;
  #lastReceivedMs = 0;

  constructor(world: SimWorld, name: string, link: Partial<SimLink> = {}) {
    this.world = world;
    this.name = name;
    this.link = { cut: false, lossRate: 0, delayMs: [1, 8], ...link };
    this.timers = { after: (delayMs, callback) => world.after(delayMs, () => this.run(callback)) };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Calls back in the process: never when it is dead, later when it is stopped. */
  run(callback: () => void): void {
    if (!this.#alive) return;
    const waitMs = this.#stoppedUntilMs - this.world.nowMs();
    if (waitMs > 0) this.world.after(waitMs, () => this.run(callback));
    else callback();
  }

  /** Takes the processor away for a while, as SIGSTOP does. */
  stop(durationMs: number): void {
    this.#stoppedUntilMs = Math.max(this.#stoppedUntilMs, this.world.nowMs() + durationMs);
  }

  kill(): void {
    this.#alive = false;
    for (const callback of this.#onKill) callback();
    this.#onKill.clear();
  }

  onKill(callback: () => void): () => void {
    this.#onKill.add(callback);
    return () => void this.#onKill.delete(callback);
  }

  /** Settles in the process what settles outside of it. */
  hear<Result>(outside: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      outside.then((result) => this.run(() => resolve(result)), (error: unknown) => this.run(() => reject(error)));
    });
  }

  /** Carries something to the broker, or loses it. */
  send(arrive: () => void): void {
    this.#lastSentMs = this.#carry(arrive, this.#lastSentMs);
  }

  /** Carries something from the broker into the process, or loses it. */
  receive(arrive: () => void): void {
    this.#lastReceivedMs = this.#carry(() => this.run(arrive), this.#lastReceivedMs);
  }

  /** What travels in one direction keeps its order, as on a connection. Returns the time of arrival. */
  #carry(arrive: () => void, notBeforeMs: number): number {
    if (this.link.cut || this.world.happens(this.link.lossRate)) return notBeforeMs;
    const [least, most] = this.link.delayMs;
    const arrivalMs = Math.max(notBeforeMs, this.world.nowMs() + this.world.between(least, most));
    this.world.after(arrivalMs - this.world.nowMs(), () => {
      if (!this.link.cut) arrive();
    });
    return arrivalMs;
  }
}
