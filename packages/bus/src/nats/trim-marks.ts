/**
 * Per slot, the position below which messages of a stream may be gone. JetStream does not tell a reader of one subject that messages
 * were purged before it came, so the mark stands in the registry (`trim.<slot>`, u64 big-endian) before the first message goes.
 */
import { type Sequence, ShoalError, type Slot } from '@shoal/protocol';
import type { Registry } from '../registry.ts';

const PREFIX = 'trim';
const ATTEMPTS = 16;

export class TrimMarks {
  readonly #registry: Registry;
  readonly #seen = new Map<Slot, Sequence>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Follows the marks of all slots until the registry closes. */
  async follow(signal: AbortSignal): Promise<void> {
    await this.#registry.watch(PREFIX, {
      signal,
      onReady: () => undefined,
      onChange: ({ key, value }) => {
        if (value !== undefined) this.#saw(Number(key.slice(PREFIX.length + 1)) as Slot, decode(value));
      },
    });
  }

  /** The mark as this client last heard of it. */
  heard(slot: Slot): Sequence {
    return this.#seen.get(slot) ?? (0 as Sequence);
  }

  /** The mark as it stands. */
  async read(slot: Slot): Promise<Sequence> {
    const entry = await this.#registry.get(`${PREFIX}.${slot}`);
    if (entry !== undefined) this.#saw(slot, decode(entry.value));
    return this.heard(slot);
  }

  /** Moves the mark up to `before`; one that is higher already stays. Resolves with the mark as it then stands. */
  async raise(slot: Slot, before: Sequence): Promise<Sequence> {
    const key = `${PREFIX}.${slot}`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const entry = await this.#registry.get(key);
      const present = entry === undefined ? 0 : decode(entry.value);
      if (present >= before) return present as Sequence;
      const revision = entry === undefined ? await this.#registry.create(key, encode(before)) : await this.#registry.update(key, encode(before), entry.revision);
      if (revision !== undefined) {
        this.#saw(slot, before);
        return before;
      }
    }
    throw new ShoalError('log_unavailable', `The trim mark of slot ${slot} changes faster than it can be moved. Try again.`);
  }

  #saw(slot: Slot, before: Sequence): void {
    if (before > this.heard(slot)) this.#seen.set(slot, before);
  }
}

function encode(before: Sequence): Uint8Array {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setBigUint64(0, BigInt(before));
  return value;
}

function decode(value: Uint8Array): Sequence {
  return Number(new DataView(value.buffer, value.byteOffset, value.byteLength).getBigUint64(0)) as Sequence;
}
