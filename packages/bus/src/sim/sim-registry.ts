import { ShoalError } from '@shoal/protocol';
import { checkRegistryKey, checkRegistryValue } from '../arguments.ts';
import type { Registry, RegistryChange, RegistryEntry } from '../registry.ts';
import type { SimBroker } from './sim-broker.ts';
import { callBroker } from './sim-call.ts';
import type { SimProcess } from './sim-process.ts';

const CALL = { timeoutMs: 5_000, attemptMs: 5_000, late: 'bus_unreachable' } as const;
const READ_ATTEMPT_MS = 400;
/** After how long a watch looks again, whether or not it was told of changes. */
const LOOK_AGAIN_MS = 1_000;

export class SimRegistry implements Registry {
  readonly #broker: SimBroker;
  readonly #process: SimProcess;
  readonly #closing = new AbortController();

  constructor(broker: SimBroker, process: SimProcess) {
    this.#broker = broker;
    this.#process = process;
  }

  get(key: string): Promise<RegistryEntry | undefined> {
    checkRegistryKey(key);
    return this.#ask(() => this.#broker.get(key));
  }

  create(key: string, value: Uint8Array): Promise<number | undefined> {
    return this.#put(key, value, undefined);
  }

  update(key: string, value: Uint8Array, expectedRevision: number): Promise<number | undefined> {
    return this.#put(key, value, expectedRevision);
  }

  async delete(key: string, expectedRevision: number): Promise<boolean> {
    return (await this.#put(key, undefined, expectedRevision)) !== undefined;
  }

  /** A change is sent once: whoever hears nothing does not know whether it happened. */
  async #put(key: string, value: Uint8Array | undefined, expectedRevision: number | undefined): Promise<number | undefined> {
    checkRegistryKey(key);
    if (value !== undefined) checkRegistryValue(value);
    this.#checkOpen();
    return callBroker(this.#broker, this.#process, () => this.#broker.put(key, value, expectedRevision), CALL);
  }

  list(prefix: string, limit: number): Promise<readonly RegistryEntry[]> {
    checkRegistryKey(prefix);
    return this.#ask(() => this.#broker.list(prefix, limit));
  }

  async watch(prefix: string, options: { onChange: (change: RegistryChange) => void; onReady: () => void; signal: AbortSignal }): Promise<void> {
    checkRegistryKey(prefix);
    this.#checkOpen();
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    let revision = 0;
    const look = async (): Promise<void> => {
      const seen = await this.#ask(() => ({ changes: this.#broker.changesSince(prefix, revision), revision: this.#broker.revision }));
      if (signal.aborted || seen.revision < revision) return;
      const first = revision === 0;
      // A key that was deleted before the watch began was never there for it.
      for (const change of seen.changes) if (change.revision > revision && !(first && change.value === undefined)) options.onChange(change);
      revision = Math.max(revision, seen.revision);
    };
    await look();
    if (signal.aborted) return;
    options.onReady();
    this.#follow(prefix, look, signal);
  }

  /** One look at a time, so that changes of a key are reported in their order. */
  #follow(prefix: string, look: () => Promise<void>, signal: AbortSignal): void {
    let looking = false;
    let again = false;
    const wake = (): void => {
      again = true;
      if (looking || signal.aborted) return;
      looking = true;
      again = false;
      look().catch(() => undefined).finally(() => {
        looking = false;
        if (again) wake();
      });
    };
    const forget = this.#broker.watchRegistry((key) => {
      if (key.startsWith(`${prefix}.`)) this.#process.receive(wake);
    });
    const regularly = (): void => {
      if (signal.aborted) return;
      wake();
      this.#process.timers.after(LOOK_AGAIN_MS, regularly);
    };
    this.#process.timers.after(LOOK_AGAIN_MS, regularly);
    signal.addEventListener('abort', forget, { once: true });
  }

  async #ask<Result>(ask: () => Result): Promise<Result> {
    this.#checkOpen();
    return callBroker(this.#broker, this.#process, ask, { ...CALL, attemptMs: READ_ATTEMPT_MS });
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new ShoalError('not_ready', 'The registry is closed.');
  }
}
