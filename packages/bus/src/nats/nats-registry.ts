/** The registry in a NATS key-value bucket with one value per key; a revision is the value's position in the bucket's stream. */
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, StorageType } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { ShoalError } from '@shoal/protocol';
import { checkRegistryKey, checkRegistryValue } from '../arguments.ts';
import { BUS_LIMITS } from '../limits.ts';
import { plainBytes } from '../plain-bytes.ts';
import type { Registry, RegistryChange, RegistryEntry } from '../registry.ts';
import { askBroker } from './broker-call.ts';
import type { Connection } from './connection.ts';
import { type PullOptions, pullMessages } from './pull-subscription.ts';
import type { StoredMessage } from './stored-message.ts';
import { withReplicas } from './streams.ts';

const OPERATION_HEADER = 'KV-Operation';
const PAGE_MESSAGES = 1_000;
const PAGE_BYTES = 2 * 1024 * 1024;

interface Parts {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly bucket: string;
  readonly kv: KV;
}

export interface OpenRegistryOptions {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly bucket: string;
  readonly replicas: number;
}

export class NatsRegistry implements Registry {
  readonly #parts: Parts;
  readonly #closing = new AbortController();
  readonly #watches = new Set<Promise<void>>();

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Creates the bucket unless it exists. */
  static async open(options: OpenRegistryOptions): Promise<NatsRegistry> {
    const { connection, jsm, bucket, replicas } = options;
    const kv = await new Kvm(connection.nats).create(bucket, {
      description: 'Registry of Shoal',
      history: 1,
      storage: StorageType.File,
      replicas,
      maxValueSize: BUS_LIMITS.registryValueBytes,
      // Direct reads may be answered by a replica that lags; a reader must see its own writes.
      allow_direct: false,
    });
    const { config } = await jsm.streams.info(`KV_${bucket}`);
    await withReplicas(jsm, config, replicas);
    return new NatsRegistry({ connection, jsm, bucket, kv });
  }

  async get(key: string): Promise<RegistryEntry | undefined> {
    checkRegistryKey(key);
    this.#checkOpen();
    const entry = await askBroker(this.#parts.connection, 'bus_unreachable', () => this.#parts.kv.get(key));
    return entry === null || entry.operation !== 'PUT' ? undefined : { key, value: plainBytes(entry.value), revision: entry.revision };
  }

  async create(key: string, value: Uint8Array): Promise<number | undefined> {
    checkRegistryKey(key);
    checkRegistryValue(value);
    return this.#unlessLost(() => this.#parts.kv.create(key, value));
  }

  async update(key: string, value: Uint8Array, expectedRevision: number): Promise<number | undefined> {
    checkRegistryKey(key);
    checkRegistryValue(value);
    if (expectedRevision < 1) return undefined;
    return this.#unlessLost(() => this.#parts.kv.update(key, value, expectedRevision));
  }

  async delete(key: string, expectedRevision: number): Promise<boolean> {
    checkRegistryKey(key);
    if (expectedRevision < 1) return false;
    const deleted = await this.#unlessLost(async () => {
      await this.#parts.kv.delete(key, { previousSeq: expectedRevision });
      return true;
    });
    return deleted ?? false;
  }

  /** Undefined when the key was not as expected. One attempt: after a lost answer nobody knows who changed the key. */
  async #unlessLost<Answer>(change: () => Promise<Answer>): Promise<Answer | undefined> {
    this.#checkOpen();
    const { connection } = this.#parts;
    await connection.untilConnected(BUS_LIMITS.attemptMs, this.#closing.signal);
    try {
      return await connection.whileConnected(change);
    } catch (error) {
      if (error instanceof JetStreamApiError && (error.code === JetStreamApiCodes.StreamWrongLastSequence || error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)) {
        return undefined;
      }
      throw error instanceof ShoalError ? error : connection.unreachable(error);
    }
  }

  async list(prefix: string, limit: number): Promise<readonly RegistryEntry[]> {
    checkRegistryKey(prefix);
    this.#checkOpen();
    return askBroker(this.#parts.connection, 'bus_unreachable', () => this.#listOnce(prefix, limit));
  }

  async #listOnce(prefix: string, limit: number): Promise<readonly RegistryEntry[]> {
    const entries: RegistryEntry[] = [];
    const controller = new AbortController();
    let remaining = 0;
    const onOpen = (pendingCount: number): void => {
      remaining = pendingCount;
      if (pendingCount === 0) controller.abort();
    };
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(BUS_LIMITS.attemptMs), this.#closing.signal]);
    for await (const group of pullMessages(this.#pullOptions(prefix, signal, onOpen))) {
      for (const message of group) {
        const change = this.#changeOf(message);
        if (change.value !== undefined) entries.push({ ...change, value: change.value });
        remaining--;
        if (remaining === 0 || message.pendingCount === 0) controller.abort();
      }
      // Keys arrive in the order of their changes: all have to be seen, but no more than needed are kept.
      if (entries.length > 2 * limit + PAGE_MESSAGES) keepFirst(entries, limit);
    }
    if (!controller.signal.aborted) throw this.#parts.connection.unreachable();
    keepFirst(entries, limit);
    return entries;
  }

  async watch(prefix: string, options: { onChange: (change: RegistryChange) => void; onReady: () => void; signal: AbortSignal }): Promise<void> {
    checkRegistryKey(prefix);
    this.#checkOpen();
    const ready = Promise.withResolvers<void>();
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const watching = this.#watch(prefix, { ...options, signal }, ready.resolve)
      .then(ready.resolve, ready.reject)
      .finally(() => this.#watches.delete(watching));
    this.#watches.add(watching);
    await ready.promise;
  }

  async #watch(prefix: string, options: { onChange: (change: RegistryChange) => void; onReady: () => void; signal: AbortSignal }, resolve: () => void): Promise<void> {
    let remaining: number | undefined;
    const readyAt = (count: number): void => {
      if (remaining === undefined && count > 0) return;
      remaining = undefined;
      options.onReady();
      resolve();
    };
    const onOpen = (pendingCount: number): void => {
      if (pendingCount === 0) readyAt(0);
      else remaining = pendingCount;
    };
    for await (const group of pullMessages(this.#pullOptions(prefix, options.signal, onOpen))) {
      for (const message of group) {
        if (options.signal.aborted) return;
        const change = this.#changeOf(message);
        // A deletion before the watch began is no part of the present state.
        if (change.value !== undefined || remaining === undefined) options.onChange(change);
        if (remaining === undefined) continue;
        remaining--;
        if (remaining === 0 || message.pendingCount === 0) readyAt(0);
      }
    }
  }

  #pullOptions(prefix: string, signal: AbortSignal, onOpen: (pendingCount: number) => void): PullOptions {
    const { connection, jsm, bucket } = this.#parts;
    return {
      connection, jsm, stream: `KV_${bucket}`, filter: `$KV.${bucket}.${prefix}.>`, start: { type: 'lastPerSubject' },
      maxMessages: PAGE_MESSAGES, maxBytes: PAGE_BYTES, signal, onOpen,
    };
  }

  #changeOf(message: StoredMessage): RegistryChange {
    const key = message.subject.slice(`$KV.${this.#parts.bucket}.`.length);
    const deleted = message.headers()?.has(OPERATION_HEADER) === true;
    return { key, revision: message.sequence, ...(deleted ? {} : { value: message.data }) };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#watches);
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new ShoalError('not_ready', 'The registry is closed.');
  }
}

function keepFirst(entries: RegistryEntry[], limit: number): void {
  entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  entries.length = Math.min(entries.length, limit);
}
