/**
 * A shard whose slots are given to it: it takes its lease, follows the map, and may be the process that keeps it.
 *
 * Invariant: nothing that goes wrong with leases or the map stops the slots that the shard holds.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { MapFeed, MemberLeaseKeeper, PlacementController } from '@shoal/placement';
import { ShoalError } from '@shoal/protocol';
import type { PlacementSettings, ShardConfig } from './config.ts';
import { startShard, type Shard, type ShardDependencies } from './shard.ts';

/** Names the directory, so that a process that follows another over the same directory is known for it. */
async function storeIdOf(directory: string): Promise<string> {
  const path = join(directory, 'store-id');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const storeId = randomUUID();
  try {
    await mkdir(directory, { recursive: true });
    const file = await open(`${path}.new`, 'w', 0o600);
    await file.writeFile(`${storeId}\n`);
    await file.sync();
    await file.close();
    await rename(`${path}.new`, path);
  } catch (cause) {
    throw new ShoalError('directory_unusable', `The data directory ${directory} cannot be written. Choose a writable one with SHOAL_DATA_DIR.`, { cause });
  }
  return storeId;
}

/** Rejects with `shard_name_taken` when another process is the shard of this name. */
export async function startPlacedShard(config: ShardConfig, placement: PlacementSettings, dependencies: ShardDependencies): Promise<Shard> {
  const { bus, timers, logger, version } = dependencies;
  const shard = await startShard(config, dependencies);
  const run = randomUUID();
  const taken = Promise.withResolvers<Error>();
  const closers: (() => Promise<void>)[] = [() => shard.close()];
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).toReversed()) await closeOne();
  };
  try {
    const lease = { shard: config.shard, version, run, storeId: await storeIdOf(config.directory), capacity: placement.capacity };
    const keeper = await MemberLeaseKeeper.take({ lease, registry: bus.registry, timers, logger, onTaken: taken.resolve });
    closers.push(() => keeper.close());
    const feed = new MapFeed({ registry: bus.registry, timers, logger, onMap: (map) => shard.follow(map) });
    closers.push(() => feed.close());
    const controller = new PlacementController({ bus, replicas: placement.replicas, holder: `${config.shard} ${run}`, timers, logger });
    await controller.start();
    closers.push(() => controller.close());
  } catch (error) {
    await close();
    throw error;
  }
  return {
    status: () => shard.status(),
    ready: (signal) => shard.ready(signal),
    follow: (map) => shard.follow(map),
    failed: Promise.race([shard.failed, taken.promise]),
    close,
  };
}
