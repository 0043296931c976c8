import { ShoalError, type IdempotencyScope, type OperationId } from '@shoal/protocol';

/**
 * The newest idempotency keys that this gateway has seen, each with what its write said. It only makes the refusal of a key that is used
 * for another write come at once; the shards, which remember far longer, refuse it whatever gateway it goes through.
 */
export class IdempotencyMemory {
  readonly #maximum: number;
  readonly #writeOf = new Map<string, OperationId>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** `write` stands for everything that the write says. Throws `idempotency_key_reused`. */
  note({ tenant, code, key }: IdempotencyScope, write: OperationId): void {
    const name = JSON.stringify([tenant, code, key]);
    const known = this.#writeOf.get(name);
    if (known !== undefined && known !== write) throw keyReused();
    this.#writeOf.delete(name);
    this.#writeOf.set(name, write);
    const [oldest] = this.#writeOf.keys();
    if (this.#writeOf.size > this.#maximum && oldest !== undefined) this.#writeOf.delete(oldest);
  }
}

export function keyReused(): ShoalError {
  return new ShoalError('idempotency_key_reused', 'This idempotency key was used for another write of this embedding, so this one was not applied.', { field: 'idempotency-key' });
}
