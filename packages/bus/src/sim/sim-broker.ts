/**
 * The broker of a simulated cluster: log, registry and request groups, on a disk of its own. It is linearizable; what is
 * uncertain about it happens on the ways to and from it.
 */
import { SUBJECTS, type OperationId, type Sequence, type Slot } from '@shoal/protocol';
import type { LogEntry, LogMessage } from '../mutation-log.ts';
import type { RegistryChange, RegistryEntry } from '../registry.ts';
import type { RequestHandler } from '../requests.ts';
import type { SnapshotDescription } from '../snapshots.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimWorld } from './world.ts';

export interface SimBrokerOptions {
  readonly slots: number;
  /** Slots share the sequences of their stream, so that sequences of a slot have gaps. */
  readonly streams: number;
  /** For how long a repetition of an operation id is recognised. */
  readonly duplicateWindowMs: number;
}

export interface SimServer {
  readonly process: SimProcess;
  readonly handler: RequestHandler;
}

/** A snapshot in the broker's object store. */
export interface SimSnapshot {
  readonly description: SnapshotDescription;
  readonly bytes: Uint8Array;
}

interface StoredChange extends RegistryChange {
  readonly order: number;
}

export class SimBroker {
  readonly world: SimWorld;
  readonly options: SimBrokerOptions;
  /** While it is down it neither takes nor gives anything. */
  up = true;
  readonly snapshots: SimSnapshot[] = [];
  readonly #logs: LogMessage[][];
  readonly #trimmedBefore: Sequence[] = [];
  readonly #lastSequences: number[];
  readonly #seen = new Map<OperationId, { readonly sequence: Sequence; readonly timeMs: number }>();
  readonly #registry = new Map<string, StoredChange>();
  readonly #servers = new Map<string, SimServer[]>();
  readonly #listeners = new Map<string, Set<(payload: Uint8Array) => void>>();
  readonly #logWatchers = new Set<(slot: Slot) => void>();
  readonly #registryWatchers = new Set<(key: string) => void>();
  #revision = 0;

  constructor(world: SimWorld, options: SimBrokerOptions) {
    this.world = world;
    this.options = options;
    this.#logs = Array.from({ length: options.slots }, () => []);
    this.#lastSequences = Array.from({ length: options.streams }, () => 0);
  }

  /** Whole or not at all, and durable at once. */
  append(entries: readonly LogEntry[]): readonly Sequence[] {
    return entries.map((entry) => {
      const earlier = this.#seen.get(entry.operationId);
      if (earlier !== undefined && this.world.nowMs() - earlier.timeMs <= this.options.duplicateWindowMs) return earlier.sequence;
      const sequence = this.#store(entry);
      this.#seen.set(entry.operationId, { sequence, timeMs: this.world.nowMs() });
      return sequence;
    });
  }

  #store({ address, bytes, traceParent }: LogEntry): Sequence {
    const stream = Math.floor((address.slot * this.options.streams) / this.options.slots);
    const sequence = ((this.#lastSequences[stream] ?? 0) + 1) as Sequence;
    this.#lastSequences[stream] = sequence;
    this.#logs[address.slot]?.push({ slot: address.slot, sequence, subject: SUBJECTS.mutation(address), timeMs: this.world.nowMs(), bytes: bytes.slice(), pendingCount: 0, ...(traceParent === undefined ? {} : { traceParent: () => traceParent }) });
    for (const watcher of this.#logWatchers) watcher(address.slot);
    return sequence;
  }

  logBytes(): number {
    return this.#logs.flat().reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Messages of a slot from a sequence on. */
  read(slot: Slot, from: Sequence, maxMessages: number): readonly LogMessage[] {
    const log = this.#logs[slot] ?? [];
    let start = log.length;
    while (start > 0 && (log[start - 1]?.sequence ?? 0) >= from) start -= 1;
    return log.slice(start, start + maxMessages).map((message, index) => ({ ...message, pendingCount: log.length - start - index - 1 }));
  }

  lastSequence(slot: Slot): Sequence {
    return this.#logs[slot]?.at(-1)?.sequence ?? (0 as Sequence);
  }

  trim(slot: Slot, before: Sequence): void {
    const log = this.#logs[slot] ?? [];
    const last = log.at(-1)?.sequence ?? 0;
    const keptFrom = Math.min(before, last) as Sequence;
    if (keptFrom <= this.trimmedBefore(slot)) return;
    this.#trimmedBefore[slot] = keptFrom;
    const kept = log.findIndex((message) => message.sequence >= keptFrom);
    log.splice(0, Math.max(0, kept));
  }

  trimmedBefore(slot: Slot): Sequence {
    return this.#trimmedBefore[slot] ?? (0 as Sequence);
  }

  /** Forgets everything in a slot's log behind its first `keep` messages, as a broker does that never synced them. */
  loseTail(slot: Slot, keep: number): void {
    this.#logs[slot]?.splice(keep);
  }

  watchLog(watcher: (slot: Slot) => void): () => void {
    this.#logWatchers.add(watcher);
    return () => void this.#logWatchers.delete(watcher);
  }

  get(key: string): RegistryEntry | undefined {
    const stored = this.#registry.get(key);
    return stored?.value === undefined ? undefined : { key, value: stored.value, revision: stored.revision };
  }

  /** The new revision, or undefined when the key's revision is not the expected one (undefined: the key must be absent). */
  put(key: string, value: Uint8Array | undefined, expectedRevision: number | undefined): number | undefined {
    if (this.get(key)?.revision !== expectedRevision) return undefined;
    this.#revision += 1;
    this.#registry.set(key, { key, revision: this.#revision, order: this.#revision, ...(value === undefined ? {} : { value: value.slice() }) });
    for (const watcher of this.#registryWatchers) watcher(key);
    return this.#revision;
  }

  list(prefix: string, limit: number): readonly RegistryEntry[] {
    const keys = [...this.#registry.keys()].filter((key) => key.startsWith(`${prefix}.`)).sort();
    return keys.flatMap((key) => this.get(key) ?? []).slice(0, limit);
  }

  /** Changes under a prefix after a revision, oldest first; only the last one of each key. */
  changesSince(prefix: string, revision: number): readonly RegistryChange[] {
    const changes = [...this.#registry.values()].filter((change) => change.order > revision && change.key.startsWith(`${prefix}.`));
    return changes.sort((a, b) => a.order - b.order);
  }

  get revision(): number {
    return this.#revision;
  }

  watchRegistry(watcher: (key: string) => void): () => void {
    this.#registryWatchers.add(watcher);
    return () => void this.#registryWatchers.delete(watcher);
  }

  serve(subject: string, server: SimServer): () => void {
    this.#servers.set(subject, [...(this.#servers.get(subject) ?? []), server]);
    const leave = (): void => {
      this.#servers.set(subject, (this.#servers.get(subject) ?? []).filter((other) => other !== server));
    };
    // The connection of a killed process breaks, and the broker notices a little later.
    const forget = server.process.onKill(() => void this.world.after(this.world.between(0, 20), leave));
    return () => {
      forget();
      leave();
    };
  }

  serverOf(subject: string): SimServer | undefined {
    return this.world.pick(this.#servers.get(subject) ?? []);
  }

  listen(subject: string, listener: (payload: Uint8Array) => void): () => void {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  listenersOf(subject: string): readonly ((payload: Uint8Array) => void)[] {
    return [...(this.#listeners.get(subject) ?? [])];
  }
}
