/** What a start has opened so far, to be closed in reverse order: when a later step fails, or at the end. */
export class Opened {
  readonly #closers: (() => unknown)[] = [];

  /** `thing`, which `close` ends. */
  keep<Thing>(thing: Thing, close: (thing: Thing) => unknown): Thing {
    this.#closers.push(() => close(thing));
    return thing;
  }

  /** One after the other, each once. */
  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).toReversed()) await closer();
  }
}
