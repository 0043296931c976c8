/**
 * Who went on renewing, by the watcher's own counts: a watcher whose clock jumps, or who was itself stopped for a while, takes
 * nobody for lost because of that.
 */
interface Watched {
  readonly revision: number;
  readonly silentCounts: number;
}

export class Silence<Name> {
  readonly #watched = new Map<Name, Watched>();

  /** One count. A name that is watched for the first time was not silent yet. */
  count(revisions: ReadonlyMap<Name, number>): void {
    for (const name of this.#watched.keys()) if (!revisions.has(name)) this.#watched.delete(name);
    const isAnyHeard = [...revisions].some(([name, revision]) => this.#watched.get(name)?.revision !== revision);
    for (const [name, revision] of revisions) {
      const known = this.#watched.get(name);
      if (known?.revision !== revision) this.#watched.set(name, { revision, silentCounts: 0 });
      // When nobody at all is heard, more likely the watcher is alone than everybody lost.
      else if (isAnyHeard) this.#watched.set(name, { revision, silentCounts: known.silentCounts + 1 });
    }
  }

  silentCounts(name: Name): number {
    return this.#watched.get(name)?.silentCounts ?? 0;
  }
}
