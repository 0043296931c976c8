import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import type { SnapshotDescription, Snapshots } from '../snapshots.ts';
import type { SimBroker } from './sim-broker.ts';
import { callBroker } from './sim-call.ts';
import type { SimProcess } from './sim-process.ts';

const CALL = { timeoutMs: 5_000, attemptMs: 400, late: 'snapshot_unavailable' } as const;
const PIECE_BYTES = 64 * 1024;

export class SimSnapshots implements Snapshots {
  readonly #broker: SimBroker;
  readonly #process: SimProcess;

  constructor(broker: SimBroker, process: SimProcess) {
    this.#broker = broker;
    this.#process = process;
  }

  async put(slot: Slot, sequence: Sequence, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SnapshotDescription> {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) {
      signal.throwIfAborted();
      pieces.push(piece.slice());
    }
    const bytes = Buffer.concat(pieces);
    const name = `${slot}-${sequence}-${this.#broker.world.between(0, 0xffff_ffff).toString(16)}`;
    const description: SnapshotDescription = { slot, sequence, name, contentBytes: bytes.length };
    return this.#ask(() => {
      if (!this.#broker.snapshots.some((snapshot) => snapshot.description.name === name)) this.#broker.snapshots.push({ description, bytes });
      return description;
    });
  }

  async list(slot: Slot): Promise<readonly SnapshotDescription[]> {
    return this.#ask(() => {
      const own = this.#broker.snapshots.map(({ description }) => description).filter((description) => description.slot === slot);
      return own.reverse().sort((a, b) => b.sequence - a.sequence);
    });
  }

  async *read({ name }: SnapshotDescription, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const snapshot = await this.#ask(() => this.#broker.snapshots.find(({ description }) => description.name === name));
    if (snapshot === undefined) throw new ShoalError('snapshot_unavailable', `The snapshot ${name} is not there.`);
    for (let offset = 0; offset < snapshot.bytes.length; offset += PIECE_BYTES) {
      signal.throwIfAborted();
      yield snapshot.bytes.slice(offset, offset + PIECE_BYTES);
    }
  }

  async delete({ name }: SnapshotDescription): Promise<void> {
    await this.#ask(() => {
      const index = this.#broker.snapshots.findIndex(({ description }) => description.name === name);
      if (index >= 0) this.#broker.snapshots.splice(index, 1);
    });
  }

  async close(): Promise<void> {}

  #ask<Result>(ask: () => Result): Promise<Result> {
    return callBroker(this.#broker, this.#process, ask, CALL);
  }
}
