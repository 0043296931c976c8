/**
 * The window of batches in flight. Two batches that share a key are never in flight together, so writes of one key reach
 * the log in the order in which they were given, retries included.
 */
interface Flight {
  readonly keys: ReadonlySet<string>;
  readonly done: Promise<void>;
}

function shareKey(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const key of b) if (a.has(key)) return true;
  return false;
}

export class WriteWindow {
  readonly #maximum: number;
  readonly #flights = new Set<Flight>();
  #failure: { readonly error: unknown } | undefined;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Waits until a batch with these keys may start: there is room, and no batch in flight has one of them. */
  async room(keys: ReadonlySet<string>): Promise<void> {
    for (;;) {
      const blockers = [...this.#flights].filter((flight) => shareKey(flight.keys, keys));
      if (blockers.length > 0) await Promise.all(blockers.map((flight) => flight.done));
      else if (this.#flights.size >= this.#maximum) await Promise.race([...this.#flights].map((flight) => flight.done));
      else return;
    }
  }

  /** Starts a batch; its failure is kept for `settle`, the first one wins. */
  start(keys: ReadonlySet<string>, send: () => Promise<void>): void {
    const done = send()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#flights.delete(flight));
    const flight: Flight = { keys, done };
    this.#flights.add(flight);
  }

  /** Waits for all that is in flight and throws the first failure. */
  async settle(): Promise<void> {
    await Promise.all([...this.#flights].map((flight) => flight.done));
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
