/**
 * Virtual time, seeded chance and the queue of everything that is going to happen: the ground on which a whole cluster runs in
 * one thread, and runs again exactly when it is given the same seed (after FoundationDB's simulation, Zhou et al., SIGMOD 2021).
 *
 * Invariants:
 * 1. Nothing here asks the system for time or chance; two worlds with one seed and the same programs give the same history.
 * 2. Between two events all promises that can go on have gone on.
 * 3. Time only moves forward, from one event to the next.
 */
import type { Timers } from '@shoal/pacing';

/** The work that the world was run for did not end in time. */
export class WorldTimeout extends Error {
  constructor(limitMs: number) {
    super(`The work is not done after ${limitMs} ms of the world's time.`);
    this.name = 'WorldTimeout';
  }
}

interface SimEvent {
  readonly timeMs: number;
  readonly order: number;
  readonly happen: () => void;
  cancelled: boolean;
}

/** The world's time begins here, so that times in records look like times: 2001-09-09. */
const EPOCH_MS = 1_000_000_000_000;

/** Uniform in [0, 1). mulberry32 (Tommy Ettinger). */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class SimWorld {
  readonly seed: number;
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  readonly timers: Timers = { after: (delayMs, callback) => this.after(delayMs, callback) };
  readonly #queue: SimEvent[] = [];
  #nowMs = EPOCH_MS;
  #order = 0;
  #eventCount = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.chance = seededChance(seed);
  }

  /** Milliseconds since 1970, of the world. */
  nowMs(): number {
    return this.#nowMs;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  /** A whole number, `from` and `to` included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.chance() * (to - from + 1));
  }

  /** Whether something of this probability happens now. */
  happens(probability: number): boolean {
    return probability > 0 && this.chance() < probability;
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.chance() * items.length)];
  }

  after(delayMs: number, happen: () => void): () => void {
    const event: SimEvent = { timeMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, happen, cancelled: false };
    this.#order += 1;
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => this.after(durationMs, resolve));
  }

  /** Lets events happen until `work` settles; throws when none are left before that, and WorldTimeout after `limitMs` of the world's time. */
  async run<Result>(work: Promise<Result>, limitMs: number): Promise<Result> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    work.then(end, end);
    const endMs = this.#nowMs + limitMs;
    await settle();
    while (!ended.signal.aborted) {
      if (!(await this.#step())) throw new Error('nothing is going to happen any more, and the work is not done');
      if (this.#nowMs > endMs) throw new WorldTimeout(limitMs);
    }
    return work;
  }

  /** Keeps the world's time at the system's until the signal aborts: for programs that also wait for the system. */
  follow(signal: AbortSignal): void {
    const startedMs = performance.now() - (this.#nowMs - EPOCH_MS);
    const timer = setInterval(() => {
      const untilMs = EPOCH_MS + performance.now() - startedMs;
      for (let event = this.#queue[0]; event !== undefined && event.timeMs <= untilMs; event = this.#queue[0]) this.#happen(this.#pop());
      this.#nowMs = Math.max(this.#nowMs, untilMs);
    }, 1);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  async #step(): Promise<boolean> {
    while (this.#queue[0]?.cancelled === true) this.#pop();
    const event = this.#pop();
    if (event === undefined) return false;
    this.#happen(event);
    await settle();
    return true;
  }

  #happen(event: SimEvent | undefined): void {
    if (event === undefined || event.cancelled) return;
    this.#nowMs = Math.max(this.#nowMs, event.timeMs);
    this.#eventCount += 1;
    event.happen();
  }

  /** A binary heap by time, then by the order of scheduling. */
  #push(event: SimEvent): void {
    const heap = this.#queue;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap[index], heap[parent])) return;
      swap(heap, index, parent);
      index = parent;
    }
  }

  #pop(): SimEvent | undefined {
    const heap = this.#queue;
    if (heap.length === 0) return undefined;
    swap(heap, 0, heap.length - 1);
    const first = heap.pop();
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      let least = index;
      if (isBefore(heap[left], heap[least])) least = left;
      if (isBefore(heap[left + 1], heap[least])) least = left + 1;
      if (least === index) return first;
      swap(heap, index, least);
      index = least;
    }
  }
}

function isBefore(a: SimEvent | undefined, b: SimEvent | undefined): boolean {
  return a !== undefined && b !== undefined && (a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order));
}

function swap(heap: SimEvent[], a: number, b: number): void {
  const kept = heap[a];
  const other = heap[b];
  if (kept === undefined || other === undefined) return;
  heap[a] = other;
  heap[b] = kept;
}

/** Resolves when every promise and tick that was ready has run, those of streams and of the HTTP server's hooks included. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
