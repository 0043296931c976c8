/** What shards announced about themselves lately, counted like leases: without anybody's clock. */
import type { Requests, Serving } from '@shoal/bus';
import { SUBJECTS, decodeShardStatus, type ShardId, type ShardStatus } from '@shoal/protocol';
import type { Logger } from 'pino';
import { PLACEMENT_LIMITS } from './limits.ts';

interface Heard {
  readonly status: ShardStatus;
  silentCounts: number;
}

export class StatusBoard {
  readonly #logger: Logger;
  readonly #heard = new Map<ShardId, Heard>();
  #listening: Serving | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async listen(requests: Requests): Promise<void> {
    this.#listening = await requests.listen(SUBJECTS.shardStatus, (payload) => this.#hear(payload));
  }

  async close(): Promise<void> {
    await this.#listening?.close();
  }

  /** One count; what was not heard again over statusCounts of them says nothing any more. */
  count(): void {
    for (const [shard, heard] of this.#heard) {
      heard.silentCounts += 1;
      if (heard.silentCounts > PLACEMENT_LIMITS.statusCounts) this.#heard.delete(shard);
    }
  }

  statusOf(shard: ShardId): ShardStatus | undefined {
    return this.#heard.get(shard)?.status;
  }

  #hear(payload: Uint8Array): void {
    try {
      const status = decodeShardStatus(payload);
      const known = this.#heard.get(status.shard)?.status;
      // Announcements of one run may overtake each other; which of two runs is the later one, no clock shall say.
      if (known !== undefined && known.startedAtMs === status.startedAtMs && known.count >= status.count) return;
      this.#heard.set(status.shard, { status, silentCounts: 0 });
    } catch (error) {
      this.#logger.warn({ err: error }, 'an announcement of a shard cannot be read; it is left out');
    }
  }
}
