/** A signal that follows others until it is released. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Lets go of the sources, which may live much longer. */
  release(): void;
}

/**
 * Aborts with the reason of the first source that does. `AbortSignal.any` is no substitute in a process that makes many calls: what listens to its signals is kept until
 * a source aborts or the collector comes to it, however long ago the call was over.
 */
export function linkSignals(sources: readonly AbortSignal[]): LinkedSignal {
  const controller = new AbortController();
  const releases = sources.map((source) => {
    const follow = (): void => controller.abort(source.reason);
    if (source.aborted) follow();
    else source.addEventListener('abort', follow, { once: true });
    return (): void => source.removeEventListener('abort', follow);
  });
  return {
    signal: controller.signal,
    release: () => {
      for (const release of releases) release();
    },
  };
}
