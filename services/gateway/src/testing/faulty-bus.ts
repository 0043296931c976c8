import type { LogEntry, MutationLog, Registry } from '@shoal/bus';
import type { MemoryBus } from './memory-bus.ts';

/** What a gateway that dies sees of its last call: nothing happened, or it happened and the answer was lost. */
export type FaultKind = 'before' | 'after';

export class DeadGateway extends Error {}

/**
 * The bus of one gateway, which dies at its n-th call of the registry or the log (from 0): from then on every call fails.
 * `pace` is awaited before every call, so that tests decide who goes next.
 */
export class FaultyBus {
  readonly registry: Registry;
  readonly log: MutationLog;
  callCount = 0;
  readonly #diesAt: number;
  readonly #kind: FaultKind;
  readonly #pace: () => Promise<void>;

  constructor(bus: MemoryBus, diesAt: number, kind: FaultKind, pace: () => Promise<void> = () => Promise.resolve()) {
    this.#diesAt = diesAt;
    this.#kind = kind;
    this.#pace = pace;
    const { registry, log } = bus;
    this.registry = {
      get: (key) => this.#call(() => registry.get(key)),
      create: (key, value) => this.#call(() => registry.create(key, value)),
      update: (key, value, revision) => this.#call(() => registry.update(key, value, revision)),
      delete: (key, revision) => this.#call(() => registry.delete(key, revision)),
      list: (prefix, limit) => registry.list(prefix, limit),
      watch: (prefix, options) => registry.watch(prefix, options),
      close: () => Promise.resolve(),
    };
    this.log = {
      slots: log.slots,
      publish: (entries: readonly LogEntry[]) => this.#call(() => log.publish(entries)),
      read: (options) => log.read(options),
      lastSequence: (slot) => log.lastSequence(slot),
      trim: () => log.trim(),
      trimmedBefore: () => log.trimmedBefore(),
      sizes: () => log.sizes(),
      origin: () => log.origin(),
      close: () => Promise.resolve(),
    };
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    await this.#pace();
    const index = this.callCount;
    this.callCount += 1;
    if (index > this.#diesAt || (index === this.#diesAt && this.#kind === 'before')) throw new DeadGateway();
    const result = await work();
    if (index === this.#diesAt) throw new DeadGateway();
    return result;
  }
}
