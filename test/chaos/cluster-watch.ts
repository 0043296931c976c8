import type { Bus, Serving } from '@shoal/bus';
import { SUBJECTS, decodeShardStatus, type ShardStatus } from '@shoal/protocol';
import { setTimeout as sleep } from 'node:timers/promises';

const FRESH_MS = 2_500;
const POLL_MS = 50;

interface Heard {
  readonly status: ShardStatus;
  readonly atMs: number;
}

/** What the shards say of themselves, and whether it is said by processes that live now. */
export class ClusterWatch {
  readonly #heard = new Map<string, Heard>();
  readonly #startedMs = new Map<string, number>();
  readonly #listening: Serving;

  private constructor(listening: Serving, heard: Map<string, Heard>) {
    this.#listening = listening;
    this.#heard = heard;
  }

  static async start(bus: Bus): Promise<ClusterWatch> {
    const heard = new Map<string, Heard>();
    const listening = await bus.requests.listen(SUBJECTS.shardStatus, (payload) => {
      const status = decodeShardStatus(payload);
      heard.set(status.shard, { status, atMs: Date.now() });
    });
    return new ClusterWatch(listening, heard);
  }

  /** What the shard said before no longer counts. */
  restarted(shard: string): void {
    this.#startedMs.set(shard, Date.now());
  }

  /** The shards that are ready for each slot and keep pace, by what they said lately. */
  readyBySlot(slots: number): readonly (readonly string[])[] {
    const nowMs = Date.now();
    const ready: string[][] = Array.from({ length: slots }, () => []);
    for (const [shard, { status, atMs }] of this.#heard) {
      if (nowMs - atMs > FRESH_MS || status.startedAtMs < (this.#startedMs.get(shard) ?? 0)) continue;
      for (const slot of status.slots) if (slot.ready && slot.lagging !== true) ready[slot.slot]?.push(shard);
    }
    return ready;
  }

  get setAsideCount(): number {
    return [...this.#heard.values()].flatMap(({ status }) => status.slots).reduce((sum, { setAsideCount }) => sum + setAsideCount, 0);
  }

  /** Resolves when every slot has so many replicas; rejects, naming those that do not, at the deadline. */
  async untilWhole(slots: number, replicas: number, timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const missing = this.readyBySlot(slots).flatMap((shards, slot) => (shards.length >= replicas ? [] : [`${slot} (${shards.join(' ')})`]));
      if (missing.length === 0) return;
      if (Date.now() > deadlineMs) throw new Error(`slots without ${replicas} replicas after ${timeoutMs} ms: ${missing.join(', ')}`);
      await sleep(POLL_MS);
    }
  }

  async close(): Promise<void> {
    await this.#listening.close();
  }
}
