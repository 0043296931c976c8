/**
 * The files of a shard's checkpoints: `<directory>/<code>-<partition>-<operation count>.index`, and `.tmp` behind it while it is
 * written. The store says which file is in use; what a crash left besides is removed at a start.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShoalError, parseEmbeddingCode, parsePartition } from '@shoal/protocol';
import type { CheckpointFiles } from '@shoal/shard-core';
import type { PartitionRef, ShardStore } from '@shoal/store';

const NAME = /^(\d{1,20})-(\d{1,5})-\d{1,20}\.index$/;
const UNFINISHED = /^\d{1,20}-\d{1,5}-\d{1,20}\.index\.tmp$/;

/** Opens, and creates, the directory. No slot of the shard may run yet. Rejects with `directory_unusable`. */
export async function openCheckpointDirectory(directory: string, store: ShardStore): Promise<CheckpointFiles> {
  try {
    await mkdir(directory, { recursive: true });
    for (const name of await readdir(directory)) {
      if (!(await isInUse(name, store))) await rm(join(directory, name), { force: true });
    }
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause;
    throw new ShoalError('directory_unusable', `The directory ${directory} cannot be used for the files of indexes. Choose a writable one with SHOAL_DATA_DIR.`, { cause });
  }
  return {
    pathOf: (file) => join(directory, file),
    remove: (file) => rm(join(directory, file), { force: true }),
  };
}

/** What is not named like a checkpoint is somebody else's and stays. */
async function isInUse(name: string, store: ShardStore): Promise<boolean> {
  if (UNFINISHED.test(name)) return false;
  const match = NAME.exec(name);
  if (match === null) return true;
  const ref = refOf(Number(match[1]), Number(match[2]));
  return ref === undefined || (await store.checkpoint(ref))?.file === name;
}

/** Undefined for numbers that no partition has. */
function refOf(code: number, partition: number): PartitionRef | undefined {
  try {
    return { code: parseEmbeddingCode(code), partition: parsePartition(partition) };
  } catch (error) {
    if (error instanceof ShoalError) return undefined;
    throw error;
  }
}
