/**
 * The registry in LevelDB, with all entries in memory. Two views are kept: `#latest` holds what was decided, and answers
 * compare-and-set at once; `#durable` holds what is on disk, and answers everybody who reads.
 */
import { ShoalError } from '@shoal/protocol';
import { checkRegistryKey, checkRegistryValue } from '../arguments.ts';
import { GroupCommit, type Pending } from '../group-commit.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { Registry, RegistryChange, RegistryEntry } from '../registry.ts';
import { Wakeup } from '../wakeup.ts';
import type { Database, Write } from './database.ts';
import {
  decodeRegistryValue,
  decodeRevision,
  encodeRegistryValue,
  encodeRevision,
  nameOfRegistryKey,
  REGISTRY_END,
  REGISTRY_FIRST,
  registryKey,
  REVISION_KEY,
} from './records.ts';

interface Watcher {
  readonly prefix: string;
  readonly onChange: (change: RegistryChange) => void;
}

const LOAD_PAGE_ROWS = 1_000;
const LOAD_PAGE_BYTES = 4 * 1024 * 1024;
const WRITE_TIMEOUT_MS = 30_000;

export class EmbeddedRegistry implements Registry {
  readonly #database: Database;
  /** Revision of each key as decided; keys whose deletion is decided are absent. */
  readonly #latest = new Map<string, number>();
  readonly #durable: Map<string, RegistryEntry>;
  readonly #watchers = new Set<Watcher>();
  readonly #commits: GroupCommit<RegistryChange, void>;
  readonly #closing = new AbortController();
  /** Told whenever changes became durable or were taken back. */
  readonly #decided = new Wakeup();
  #lastRevision: number;

  private constructor(database: Database, entries: Map<string, RegistryEntry>, lastRevision: number) {
    this.#database = database;
    this.#durable = entries;
    for (const entry of entries.values()) this.#latest.set(entry.key, entry.revision);
    this.#lastRevision = lastRevision;
    this.#commits = new GroupCommit({ ...BUS_LIMITS, commit: (group) => this.#commit(group) });
  }

  static async open(database: Database): Promise<EmbeddedRegistry> {
    const counter = await database.get(REVISION_KEY);
    const entries = new Map<string, RegistryEntry>();
    let gte = REGISTRY_FIRST;
    for (;;) {
      const rows = await database.page({ gte, lt: REGISTRY_END }, LOAD_PAGE_ROWS, LOAD_PAGE_BYTES);
      const lastRow = rows.at(-1);
      if (lastRow === undefined) break;
      for (const [key, value] of rows) {
        const { revision, payload } = decodeRegistryValue(key, value);
        entries.set(nameOfRegistryKey(key), { key: nameOfRegistryKey(key), value: payload.slice(), revision });
      }
      gte = Uint8Array.of(...lastRow[0], 0);
    }
    return new EmbeddedRegistry(database, entries, counter === undefined ? 0 : decodeRevision(counter));
  }

  async get(key: string): Promise<RegistryEntry | undefined> {
    checkRegistryKey(key);
    this.#checkOpen();
    return this.#durable.get(key);
  }

  async create(key: string, value: Uint8Array): Promise<number | undefined> {
    return this.#put(key, value, undefined);
  }

  async update(key: string, value: Uint8Array, expectedRevision: number): Promise<number | undefined> {
    return this.#put(key, value, expectedRevision);
  }

  async #put(key: string, value: Uint8Array, expectedRevision: number | undefined): Promise<number | undefined> {
    checkRegistryKey(key);
    checkRegistryValue(value);
    this.#checkOpen();
    if (this.#latest.get(key) !== expectedRevision) return this.#lose(key, undefined);
    if (this.#latest.size >= BUS_LIMITS.registryEntries) {
      throw new ShoalError('overloaded', 'The registry is full.', { limit: BUS_LIMITS.registryEntries });
    }
    const revision = ++this.#lastRevision;
    await this.#submit({ key, value: value.slice(), revision });
    return revision;
  }

  async delete(key: string, expectedRevision: number): Promise<boolean> {
    checkRegistryKey(key);
    this.#checkOpen();
    if (this.#latest.get(key) !== expectedRevision) return this.#lose(key, false);
    await this.#submit({ key, revision: ++this.#lastRevision });
    return true;
  }

  /** Answers a loser only when the change it lost to can be read: it will read the key and try again. */
  async #lose<Answer>(key: string, answer: Answer): Promise<Answer> {
    while (this.#latest.get(key) !== this.#durable.get(key)?.revision) await this.#decided.wait();
    return answer;
  }

  /** Decides the change and makes it durable; takes the decision back when that fails. */
  async #submit(change: RegistryChange): Promise<void> {
    this.#decide(change);
    try {
      await this.#commits.submit([change], ({ key, value }) => key.length + (value?.length ?? 0), WRITE_TIMEOUT_MS);
    } catch (error) {
      const durable = this.#durable.get(change.key);
      this.#decide(durable ?? { key: change.key, revision: change.revision });
      this.#decided.notify();
      throw error;
    }
  }

  #decide(change: RegistryChange): void {
    if (change.value === undefined) this.#latest.delete(change.key);
    else this.#latest.set(change.key, change.revision);
  }

  async #commit(group: readonly Pending<RegistryChange, void>[]): Promise<void> {
    const writes: Write[] = group.map(({ item }) => writeOf(item));
    const lastRevision = group.at(-1)?.item.revision ?? this.#lastRevision;
    writes.push({ type: 'put', key: REVISION_KEY, value: encodeRevision(lastRevision) });
    await this.#database.write(writes);
    for (const pending of group) {
      const { key, value, revision } = pending.item;
      if (value === undefined) this.#durable.delete(key);
      else this.#durable.set(key, { key, value, revision });
      // Whoever gave up on the change has taken the decision back; it was made durable all the same.
      if (pending.abandoned) this.#decide(pending.item);
      pending.resolve();
      this.#notify(pending.item);
    }
    this.#decided.notify();
  }

  #notify(change: RegistryChange): void {
    for (const watcher of this.#watchers) {
      if (change.key.startsWith(watcher.prefix)) watcher.onChange(change);
    }
  }

  async list(prefix: string, limit: number): Promise<readonly RegistryEntry[]> {
    checkRegistryKey(prefix);
    this.#checkOpen();
    return this.#under(`${prefix}.`).slice(0, limit);
  }

  #under(dotted: string): RegistryEntry[] {
    const entries = [...this.#durable.values()].filter(({ key }) => key.startsWith(dotted));
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async watch(prefix: string, options: { onChange: (change: RegistryChange) => void; onReady: () => void; signal: AbortSignal }): Promise<void> {
    checkRegistryKey(prefix);
    this.#checkOpen();
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    if (signal.aborted) return;
    const watcher: Watcher = { prefix: `${prefix}.`, onChange: options.onChange };
    // The present state is reported in this same turn, so no change falls between it and the watcher.
    for (const entry of this.#under(watcher.prefix)) options.onChange(entry);
    this.#watchers.add(watcher);
    signal.addEventListener('abort', () => this.#watchers.delete(watcher), { once: true });
    options.onReady();
  }

  async close(): Promise<void> {
    await this.#commits.close(BUS_LIMITS.closeMs);
    this.#closing.abort();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new ShoalError('not_ready', 'The registry is closed.');
  }
}

function writeOf(change: RegistryChange): Write {
  const key = registryKey(change.key);
  if (change.value === undefined) return { type: 'del', key };
  return { type: 'put', key, value: encodeRegistryValue(key, { revision: change.revision, payload: change.value }) };
}
