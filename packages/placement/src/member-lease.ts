/**
 * A shard's lease: its name in the registry, renewed for as long as the shard runs.
 *
 * Invariants:
 * 1. Of two processes with one name and different directories, the later one does not start while the other renews.
 * 2. Losing the lease stops nothing: what a shard answers follows from the log, whoever else holds the slot.
 */
import type { Registry } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import { PLACEMENT_KEYS, ShoalError, decodeMemberLease, encodeMemberLease, type MemberLease } from '@shoal/protocol';
import type { Logger } from 'pino';
import { PLACEMENT_LIMITS } from './limits.ts';

export interface MemberLeaseOptions {
  readonly lease: Omit<MemberLease, 'renewalCount'>;
  readonly registry: Registry;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Called once, when another process took the name: this one is to end. */
  readonly onTaken: (error: ShoalError) => void;
}

export class MemberLeaseKeeper {
  readonly #options: MemberLeaseOptions;
  readonly #key: string;
  readonly #stop = new AbortController();
  #renewalCount = 0;
  #revision = 0;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(options: MemberLeaseOptions) {
    this.#options = options;
    this.#key = PLACEMENT_KEYS.member(options.lease.shard);
  }

  /** Rejects with `shard_name_taken` when another process renews the lease. */
  static async take(options: MemberLeaseOptions): Promise<MemberLeaseKeeper> {
    const keeper = new MemberLeaseKeeper(options);
    await keeper.#take();
    keeper.#renewing = keeper.#renewRegularly();
    return keeper;
  }

  /** The lease is left to run out: a shard that comes back soon has its slots still. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
  }

  async #take(): Promise<void> {
    const { registry, lease, timers, logger } = this.#options;
    let watched = 0;
    for (let silentCounts = 0; ; ) {
      const entry = await registry.get(this.#key);
      const holder = entry === undefined ? undefined : decodeMemberLease(entry.value);
      // The lock on the directory proves that whoever held the lease from it is no more.
      if (entry === undefined || holder?.storeId === lease.storeId || silentCounts >= PLACEMENT_LIMITS.absentCounts) {
        if (await this.#write(entry?.revision)) return;
      } else {
        if (watched === 0) logger.info({ shard: lease.shard }, 'another directory had the name of this shard; waiting whether its process still runs');
        else if (entry.revision !== watched) throw nameTaken(lease.shard);
        else silentCounts += 1;
        watched = entry.revision;
      }
      await pause(timers, PLACEMENT_LIMITS.renewMs);
    }
  }

  async #write(expectedRevision: number | undefined): Promise<boolean> {
    const { registry, lease } = this.#options;
    const value = encodeMemberLease({ ...lease, renewalCount: this.#renewalCount + 1 });
    const revision = expectedRevision === undefined ? await registry.create(this.#key, value) : await registry.update(this.#key, value, expectedRevision);
    if (revision === undefined) return false;
    this.#renewalCount += 1;
    this.#revision = revision;
    return true;
  }

  async #renewRegularly(): Promise<void> {
    const { timers, logger, onTaken } = this.#options;
    for (;;) {
      await pause(timers, PLACEMENT_LIMITS.renewMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        if (await this.#renew()) continue;
        onTaken(nameTaken(this.#options.lease.shard));
        return;
      } catch (error) {
        logger.warn({ err: error }, 'the lease of this shard could not be renewed; it answers all the same');
      }
    }
  }

  /** False when the lease is another process's. */
  async #renew(): Promise<boolean> {
    if (await this.#write(this.#revision)) return true;
    const { registry, lease } = this.#options;
    const entry = await registry.get(this.#key);
    // A renewal whose answer was lost is this process's own all the same.
    if (entry !== undefined && decodeMemberLease(entry.value).run !== lease.run) return false;
    await this.#write(entry?.revision);
    return true;
  }
}

function nameTaken(shard: string): ShoalError {
  return new ShoalError('shard_name_taken', `Another process is the shard ${shard}, with another data directory. Give every shard its own SHOAL_SHARD_ID.`, { field: 'SHOAL_SHARD_ID' });
}
