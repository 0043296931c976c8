/**
 * Snapshots of one slot, and what follows from them: a replica without rows, with damaged ones or behind the log begins from the newest
 * that can be read; the log loses what every replica has on disk and two snapshots hold.
 *
 * Invariants:
 * 1. The log is trimmed only below the older of the two newest snapshots and below what each replica has on disk, so a snapshot that
 *    turns out damaged leaves an older one from which the log goes on.
 * 2. A replica says that it joins before it looks at snapshots and log; from then on the log keeps what it needs.
 * 3. Rows are given up only when a snapshot or the whole log can bring them back.
 */
import type { Bus, SnapshotDescription } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import { ReplicaProgress } from '@shoal/placement';
import { ShoalError, type Sequence, type ShardId, type Slot } from '@shoal/protocol';
import type { ShardStore } from '@shoal/store';
import type { Logger } from 'pino';
import { SHARD_LIMITS } from './limits.ts';
import type { OneAtATime } from './one-at-a-time.ts';

export interface SlotSnapshotsOptions {
  readonly slot: Slot;
  readonly shard: ShardId;
  readonly bus: Bus;
  readonly store: ShardStore;
  readonly timers: Timers;
  readonly logger: Logger;
  /** A snapshot is taken when the log grew by so many bytes, and by as many as the last snapshot has. */
  readonly logBytes: number;
  /** Shared by the slots of a shard: snapshots are large. */
  readonly turns: OneAtATime;
}

const NOTHING = 0 as Sequence;

export class SlotSnapshots {
  readonly #options: SlotSnapshotsOptions;
  readonly #progress: ReplicaProgress;
  /** The newest snapshot that this replica knows of, and the bytes of log that it applied since. */
  #newest: SnapshotDescription | undefined;
  #appliedBytes = 0;
  /** Newer snapshots are not restored next time: they may hold what the rows were given up for. */
  #trustedUpTo: Sequence | undefined;
  #held = false;

  constructor(options: SlotSnapshotsOptions) {
    this.#options = options;
    this.#progress = new ReplicaProgress(options.bus.registry, options.slot, options.shard);
  }

  /** The newest snapshot that is known, and what the log has grown by since. */
  state(): { readonly sequence: Sequence | undefined; readonly appliedBytes: number } {
    return { sequence: this.#newest?.sequence, appliedBytes: this.#appliedBytes };
  }

  /** Brings the slot's rows to where the log goes on. Rejects with `log_trimmed` when neither snapshot nor log can. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { slot, store, bus } = this.#options;
    const applied = (await store.slot(slot))?.appliedSequence ?? NOTHING;
    await this.#progress.join(applied);
    const snapshots = await bus.snapshots.list(slot);
    const trimmedBefore = await bus.log.trimmedBefore(slot);
    this.#newest = snapshots[0];
    if (applied > 0 && applied >= trimmedBefore) {
      this.#appliedBytes = Math.max(0, applied - (this.#newest?.sequence ?? 0)) * SHARD_LIMITS.guessedMessageBytes;
      return;
    }
    for (const snapshot of snapshots) {
      if (snapshot.sequence < trimmedBefore) break;
      if (!this.#isTrusted(snapshot)) continue;
      if (await this.#restore(snapshot, signal)) return this.#begunAgain();
    }
    if (trimmedBefore === 0) this.#begunAgain();
    if (trimmedBefore > 0) {
      throw new ShoalError('log_trimmed', `Slot ${slot} is applied up to ${applied}, its log begins at ${trimmedBefore}, and no snapshot in between can be read. The slot does not answer.`);
    }
  }

  async #restore(snapshot: SnapshotDescription, signal: AbortSignal): Promise<boolean> {
    const { slot, store, bus, logger } = this.#options;
    const { sequence, contentBytes } = snapshot;
    try {
      await this.#options.turns.run(() => store.importSlot(slot, bus.snapshots.read(snapshot, signal), signal));
      logger.info({ slot, sequence, contentBytes }, 'slot restored from a snapshot');
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ShoalError) || error.code === 'store_unwritable') throw error;
      logger.warn({ err: error, slot, sequence }, 'a snapshot cannot be used; an older one or the log is used instead');
      return false;
    }
  }

  #begunAgain(): void {
    this.#trustedUpTo = undefined;
  }

  #isTrusted({ sequence }: SnapshotDescription): boolean {
    return this.#trustedUpTo === undefined || sequence <= this.#trustedUpTo;
  }

  /** While replicas differ nothing is saved or trimmed: what is there already is older than their difference. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** Whether rows that are given up can be brought back, from a snapshot that is trusted or the log. */
  async canBeginAgain(trustedUpTo?: Sequence): Promise<boolean> {
    const { slot, bus } = this.#options;
    const trimmedBefore = await bus.log.trimmedBefore(slot);
    if (trimmedBefore === 0) return true;
    return (await bus.snapshots.list(slot)).some(({ sequence }) => sequence >= trimmedBefore && (trustedUpTo === undefined || sequence <= trustedUpTo));
  }

  /** Gives up rows, if they can be brought back; resolves with whether it did. */
  async giveUpRows(trustedUpTo?: Sequence): Promise<boolean> {
    const { slot, store, logger } = this.#options;
    if (!(await this.canBeginAgain(trustedUpTo))) return false;
    this.#trustedUpTo = trustedUpTo;
    await store.removeSlot(slot);
    logger.error({ slot }, 'the damaged rows of the slot were removed; it is rebuilt from a snapshot or the log');
    return true;
  }

  noteApplied(messages: readonly { readonly bytes: Uint8Array }[]): void {
    for (const { bytes } of messages) this.#appliedBytes += bytes.length;
  }

  /** Takes snapshots as the log grows, until the signal aborts. What fails is tried again at the next look. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#options.timers, SHARD_LIMITS.snapshotLookMs, signal);
      if (signal.aborted || this.#held || this.#appliedBytes < this.#dueBytes()) continue;
      try {
        await this.#options.turns.run(() => this.#look(signal));
      } catch (error) {
        if (!signal.aborted) this.#options.logger.warn({ err: error, slot: this.#options.slot }, 'a snapshot failed; it is tried again');
      }
    }
  }

  #dueBytes(): number {
    return Math.max(this.#options.logBytes, this.#newest?.contentBytes ?? 0);
  }

  async #look(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { slot, store, bus } = this.#options;
    const before = this.#appliedBytes;
    let snapshots = await bus.snapshots.list(slot);
    if ((snapshots[0]?.sequence ?? 0) <= (this.#newest?.sequence ?? 0)) {
      if (!(await this.#isMyTurn())) return;
      const taken = await this.#take(signal);
      if (taken === undefined) return;
      snapshots = [taken, ...snapshots];
    }
    this.#newest = snapshots[0];
    this.#appliedBytes -= before;
    const applied = (await store.slot(slot))?.appliedSequence ?? NOTHING;
    await store.flush();
    await this.#progress.advance(applied);
    for (const old of snapshots.slice(SHARD_LIMITS.keptSnapshots)) await bus.snapshots.delete(old);
    await this.#trim(snapshots[SHARD_LIMITS.keptSnapshots - 1]);
  }

  /** The first replica by name takes the snapshot; when it is away, whoever has waited for twice the growth. */
  async #isMyTurn(): Promise<boolean> {
    if (this.#appliedBytes >= 2 * this.#dueBytes()) return true;
    const [first] = await this.#progress.replicas();
    return first === undefined || first.shard === this.#options.shard;
  }

  async #take(signal: AbortSignal): Promise<SnapshotDescription | undefined> {
    const { slot, store, bus, logger } = this.#options;
    const exported = await store.exportSlot(slot);
    if (exported === undefined) return undefined;
    try {
      const taken = await bus.snapshots.put(slot, exported.appliedSequence, exported.content, signal);
      logger.info({ slot, sequence: taken.sequence, contentBytes: taken.contentBytes }, 'snapshot taken');
      return taken;
    } finally {
      await exported.close();
    }
  }

  async #trim(oldest: SnapshotDescription | undefined): Promise<void> {
    if (oldest === undefined) return;
    const replicas = await this.#progress.replicas();
    const before = Math.min(oldest.sequence, ...replicas.map(({ durable }) => durable)) as Sequence;
    if (before > 0) await this.#options.bus.log.trim(this.#options.slot, before);
  }
}
