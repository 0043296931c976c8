import assert from 'node:assert/strict';
import { join } from 'node:path';
import { LIMITS } from '@shoal/protocol';
import type { Bus } from '../bus.ts';
import type { Snapshots } from '../snapshots.ts';
import { Database, type Durability } from './database.ts';
import { openDirectorySnapshots } from './directory-snapshots.ts';
import { EmbeddedLog } from './embedded-log.ts';
import { EmbeddedRegistry } from './embedded-registry.ts';
import { EmbeddedRequests } from './embedded-requests.ts';

export interface EmbeddedBusOptions {
  /** Created when absent; used by one process at a time. */
  readonly directory: string;
  readonly slots: number;
  /** `fsync`: acknowledged writes survive a power failure. `os`: they survive a crash of the process. */
  readonly durability: Durability;
  /** Where snapshots lie; default `snapshots` inside `directory`. */
  readonly snapshotDirectory?: string;
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
    const snapshots = await openDirectorySnapshots(options.snapshotDirectory ?? join(directory, 'snapshots'));
    return assemble(database, { log, registry, snapshots, description: `embedded log in ${directory}` });
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Parts {
  readonly log: EmbeddedLog;
  readonly registry: EmbeddedRegistry;
  readonly snapshots: Snapshots;
  readonly description: string;
}

function assemble(database: Database, { log, registry, snapshots, description }: Parts): Bus {
  const requests = new EmbeddedRequests();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await snapshots.close();
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
    snapshots,
    connected: () => closing === undefined,
    close: () => (closing ??= close()),
  };
}
