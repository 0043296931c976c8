import assert from 'node:assert/strict';
import { LIMITS } from '@shoal/protocol';
import type { Bus } from '../bus.ts';
import { Database, type Durability } from './database.ts';
import { EmbeddedLog } from './embedded-log.ts';
import { EmbeddedRegistry } from './embedded-registry.ts';
import { EmbeddedRequests } from './embedded-requests.ts';

export interface EmbeddedBusOptions {
  /** Created when absent; used by one process at a time. */
  readonly directory: string;
  readonly slots: number;
  /** `fsync`: acknowledged writes survive a power failure. `os`: they survive a crash of the process. */
  readonly durability: Durability;
  /** Milliseconds since 1970; the broker's clock. */
  readonly now?: () => number;
}

/**
 * The bus inside one process, with log and registry in LevelDB.
 * Rejects with `directory_locked`, `directory_unusable`, `store_corrupt`, `store_incompatible` or `log_incompatible`.
 */
export async function openEmbeddedBus(options: EmbeddedBusOptions): Promise<Bus> {
  const { directory, slots, durability, now = Date.now } = options;
  assert(Number.isInteger(slots) && slots >= 1 && slots <= LIMITS.slots, `slots must be 1 to ${LIMITS.slots}`);
  const database = await Database.open({ directory, slots, durability });
  try {
    const log = await EmbeddedLog.open(database, slots, now);
    const registry = await EmbeddedRegistry.open(database);
    return assemble(database, log, registry, `embedded log in ${directory}`);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function assemble(database: Database, log: EmbeddedLog, registry: EmbeddedRegistry, description: string): Bus {
  const requests = new EmbeddedRequests();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await registry.close();
    await requests.close();
    await log.close();
    await database.close();
  };
  return {
    kind: 'embedded',
    description,
    log,
    requests,
    registry,
    connected: () => closing === undefined,
    close: () => (closing ??= close()),
  };
}
