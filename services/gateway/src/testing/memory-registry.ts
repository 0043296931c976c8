import type { Registry, RegistryChange, RegistryEntry } from '@shoal/bus';

interface Watch {
  readonly prefix: string;
  readonly onChange: (change: RegistryChange) => void;
}

/** The registry in a Map. */
export class MemoryRegistry implements Registry {
  readonly entries = new Map<string, RegistryEntry>();
  readonly #watches = new Set<Watch>();
  #revision = 0;

  async get(key: string): Promise<RegistryEntry | undefined> {
    await Promise.resolve();
    return this.entries.get(key);
  }

  async create(key: string, value: Uint8Array): Promise<number | undefined> {
    await Promise.resolve();
    return this.entries.has(key) ? undefined : this.#put(key, value);
  }

  async update(key: string, value: Uint8Array, expectedRevision: number): Promise<number | undefined> {
    await Promise.resolve();
    return this.entries.get(key)?.revision === expectedRevision ? this.#put(key, value) : undefined;
  }

  async delete(key: string, expectedRevision: number): Promise<boolean> {
    await Promise.resolve();
    if (this.entries.get(key)?.revision !== expectedRevision) return false;
    this.entries.delete(key);
    this.#revision += 1;
    this.#tell({ key, revision: this.#revision });
    return true;
  }

  async list(prefix: string, limit: number): Promise<readonly RegistryEntry[]> {
    const found = [...this.entries.values()].filter(({ key }) => key.startsWith(`${prefix}.`));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit);
  }

  async watch(prefix: string, options: { onChange: (change: RegistryChange) => void; onReady: () => void; signal: AbortSignal }): Promise<void> {
    const watch: Watch = { prefix, onChange: options.onChange };
    for (const entry of this.entries.values()) if (entry.key.startsWith(`${prefix}.`)) options.onChange(entry);
    this.#watches.add(watch);
    options.signal.addEventListener('abort', () => this.#watches.delete(watch));
    options.onReady();
  }

  async close(): Promise<void> {
    this.#watches.clear();
  }

  #put(key: string, value: Uint8Array): number {
    this.#revision += 1;
    const entry: RegistryEntry = { key, value: Uint8Array.from(value), revision: this.#revision };
    this.entries.set(key, entry);
    this.#tell(entry);
    return entry.revision;
  }

  #tell(change: RegistryChange): void {
    // Later, as from a broker: a writer never hears its own change before its call returns.
    setImmediate(() => {
      for (const { prefix, onChange } of this.#watches) if (change.key.startsWith(`${prefix}.`)) onChange(change);
    });
  }
}
