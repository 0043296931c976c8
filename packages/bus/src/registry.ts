export interface RegistryEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Grows with every change of the key; equal revisions mean equal values. */
  readonly revision: number;
}

export interface RegistryChange {
  readonly key: string;
  /** Absent when the key was deleted. */
  readonly value?: Uint8Array;
  readonly revision: number;
}

/**
 * Small shared facts (embeddings, counters) with compare-and-set. Keys are dot-separated tokens of [A-Za-z0-9_=-], e.g. `embedding.42`.
 *
 * Invariants:
 * 1. `create` and `update` are linearizable: of two callers with the same expectation at most one succeeds.
 * 2. `watch` reports the present state of every key under the prefix first, then `onReady`, then every later change, in
 *    order per key. Changes that follow each other closely may be reported as the last of them alone.
 * 3. A prefix stands for the keys that begin with it and a dot.
 */
export interface Registry {
  get(key: string): Promise<RegistryEntry | undefined>;
  /** The new revision, or undefined when the key exists. */
  create(key: string, value: Uint8Array): Promise<number | undefined>;
  /** The new revision, or undefined when the key no longer has the expected revision. */
  update(key: string, value: Uint8Array, expectedRevision: number): Promise<number | undefined>;
  delete(key: string, expectedRevision: number): Promise<boolean>;
  /** Keys under the prefix (`embedding` lists `embedding.*`), at most `limit`, in ascending order. */
  list(prefix: string, limit: number): Promise<readonly RegistryEntry[]>;
  /** Resolves when ready; goes on in the background, across reconnects, until the signal aborts or the registry closes. */
  watch(prefix: string, options: { onChange: (change: RegistryChange) => void; onReady: () => void; signal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}
