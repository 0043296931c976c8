interface Epoch {
  searchCount: number;
  closed: boolean;
  readonly whenEmpty: (() => void)[];
}

/** Knows when all searches that were under way at a moment have settled, whatever started since. */
export class SearchEpochs {
  readonly #epochs: Epoch[] = [{ searchCount: 0, closed: false, whenEmpty: [] }];

  /** Counts a search in; call the result when it has settled. */
  enter(): () => void {
    const epoch = this.#epochs[this.#epochs.length - 1] as Epoch;
    epoch.searchCount++;
    return () => {
      epoch.searchCount--;
      this.#retire();
    };
  }

  /** Resolves when every search entered before this call has settled. */
  drained(): Promise<void> {
    const current = this.#epochs[this.#epochs.length - 1] as Epoch;
    if (this.#epochs.length === 1 && current.searchCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      current.whenEmpty.push(resolve);
      current.closed = true;
      this.#epochs.push({ searchCount: 0, closed: false, whenEmpty: [] });
      this.#retire();
    });
  }

  /** Epochs end in order: one is over only when those before it are. */
  #retire(): void {
    for (;;) {
      const oldest = this.#epochs[0] as Epoch;
      if (!oldest.closed || oldest.searchCount > 0) return;
      this.#epochs.shift();
      for (const resolve of oldest.whenEmpty) resolve();
    }
  }
}
