/** What reaches the disks of a NATS server and of a shard while vectors are written: the log and the snapshots there, rows and indexes here. */
import { join } from 'node:path';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddingHandle } from '@shoal/client';
import { diskBytesWritten, filesBelow } from '../harness/process-figures.ts';
import { startCluster } from '../harness/suite-cluster.ts';
import { seededRandom, vectorOf } from '../harness/workload.ts';

export interface AmplificationOptions {
  readonly count: number;
  readonly dim: number;
  readonly seed: number;
}

export interface Phase {
  readonly name: string;
  readonly vectors: number;
  /** Bytes written by the nats-server: the log, and the snapshots that the shard puts there. */
  readonly natsBytes: number;
  readonly snapshotBytes: number;
  /** Bytes written by the shard: rows, and files of indexes. */
  readonly shardBytes: number;
  readonly indexBytes: number;
}

export interface AmplificationReport {
  readonly phases: readonly Phase[];
  /** What lies on the disks in the end, vectors that live, and bytes of one as sent: components and key. */
  readonly natsDirectoryBytes: number;
  readonly rowBytes: number;
  readonly indexFileBytes: number;
  readonly liveVectors: number;
  readonly vectorBytes: number;
}

const BATCH = 500;
const KEY_CHARS = 12;
const keyOf = (number: number): string => `key-${String(number).padStart(KEY_CHARS - 4, '0')}`;

type Cluster = Awaited<ReturnType<typeof startCluster>>;

export async function measureAmplification({ count, dim, seed }: AmplificationOptions): Promise<AmplificationReport> {
  const running = await startCluster({ shardCount: 1, gatewayCount: 1, slots: 4, shardSettings: { SHOAL_LOG_LEVEL: 'debug' } });
  try {
    const random = seededRandom(seed);
    const { handle } = await running.cluster.client(0, { timeoutMs: 60_000 }).register({ model: 'amplification', dim, distance: 'l2', partitions: 1 });
    const inserted = await measurePhase(running, 'insert', count, () => write(handle, Array.from({ length: count }, (_, number) => number), dim, 1));
    const updates = Array.from({ length: count }, () => Math.floor(random() * count));
    const replaced = await measurePhase(running, 'replace at random', count, () => write(handle, updates, dim, 2));
    const shardDirectory = running.cluster.shardDirectory(0);
    return {
      phases: [inserted, replaced], liveVectors: await handle.count(), vectorBytes: dim * 4 + KEY_CHARS,
      natsDirectoryBytes: await bytesBelow(running.nats.directory), rowBytes: await bytesBelow(join(shardDirectory, 'store')), indexFileBytes: await bytesBelow(join(shardDirectory, 'indexes')),
    };
  } finally {
    await running.close();
  }
}

async function write(handle: EmbeddingHandle, numbers: readonly number[], dim: number, version: number): Promise<void> {
  for (let first = 0; first < numbers.length; first += BATCH) {
    const keys = [...new Set(numbers.slice(first, first + BATCH).map(keyOf))];
    await handle.upsert(keys.map((key) => ({ key, values: vectorOf(key, version, dim) })), { wait: 'applied' });
  }
}

/** Bytes of what the shard says in its log lines; the newest lines are kept only, so it is read while it runs. */
class SaidBytes {
  readonly #seen = new Set<string>();
  snapshots = 0;
  indexes = 0;

  read(output: string): void {
    for (const line of output.split('\n').slice(1)) {
      if (!line.startsWith('{') || !line.endsWith('}') || this.#seen.has(line)) continue;
      const { msg, contentBytes = 0, fileBytes = 0 } = JSON.parse(line) as { readonly msg?: string; readonly contentBytes?: number; readonly fileBytes?: number };
      if (msg === 'snapshot taken') this.snapshots += contentBytes;
      else if (msg === 'indexes were written to files') this.indexes += fileBytes;
      else continue;
      this.#seen.add(line);
    }
  }
}

async function measurePhase({ cluster, nats }: Cluster, name: string, vectors: number, work: () => Promise<void>): Promise<Phase> {
  const shard = cluster.shards[0];
  if (shard === undefined) throw new Error('there is one shard');
  const said = new SaidBytes();
  said.read(shard.output);
  const before = { nats: await diskBytesWritten(nats.pid), shard: await diskBytesWritten(shard.pid), snapshots: said.snapshots, indexes: said.indexes };
  const reading = setInterval(() => said.read(shard.output), 500);
  await work();
  // The file that follows when writes pause belongs to them.
  await sleep(14_000);
  clearInterval(reading);
  said.read(shard.output);
  return {
    name, vectors, natsBytes: (await diskBytesWritten(nats.pid)) - before.nats, snapshotBytes: said.snapshots - before.snapshots,
    shardBytes: (await diskBytesWritten(shard.pid)) - before.shard, indexBytes: said.indexes - before.indexes,
  };
}

async function bytesBelow(directory: string): Promise<number> {
  let sum = 0;
  for (const file of await filesBelow(directory)) sum += (await stat(file)).size;
  return sum;
}
