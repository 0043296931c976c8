/** `shoal status`: shards and embeddings as tables. */
import type { ClusterResponse, EmbeddingDescription, EmbeddingResponse, ShoalClient } from '@shoal/client';
import { ShoalError } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { formatBytes, formatCount, formatRanges } from '../text/quantities.ts';
import { shorten, textTable } from '../text/text-table.ts';

export interface StatusOptions {
  readonly json: boolean;
}

type Shard = ClusterResponse['shards'][number];

/** Messages that the shard has still to apply in its furthest slot; undefined when no slot's end is known. */
function lagOf(shard: Shard): number | undefined {
  const lags = shard.slots.flatMap(({ lastSequence, appliedSequence }) => (lastSequence === undefined ? [] : [Math.max(0, lastSequence - appliedSequence)]));
  return lags.length === 0 ? undefined : Math.max(...lags);
}

function shardTable(cluster: ClusterResponse): string {
  const right = 'right' as const;
  const columns = [{ title: 'shard' }, { title: 'state' }, { title: 'slots' }, { title: 'applied', align: right }, { title: 'lag', align: right }];
  const more = [{ title: 'set aside', align: right }, { title: 'vectors', align: right }, { title: 'memory', align: right }, { title: 'seen', align: right }];
  const rows = cluster.shards.map((shard) => {
    const lag = lagOf(shard);
    const sum = (pick: (slot: Shard['slots'][number]) => number): number => shard.slots.reduce((total, slot) => total + pick(slot), 0);
    return [
      shard.shard,
      shard.ready ? 'ready' : `${sum((slot) => (slot.ready ? 1 : 0))} of ${shard.slots.length} ready`,
      formatRanges(shard.slots.map((slot) => slot.slot).sort((a, b) => a - b)),
      formatCount(Math.max(0, ...shard.slots.map((slot) => slot.appliedSequence))),
      lag === undefined ? '-' : formatCount(lag),
      formatCount(sum((slot) => slot.setAsideCount)),
      formatCount(sum((slot) => slot.vectorCount)),
      `${formatBytes(shard.engineMemoryBytes)} of ${formatBytes(shard.engineMemoryMaxBytes)}`,
      `${(shard.lastSeenMs / 1000).toFixed(1)} s ago`,
    ];
  });
  return textTable([...columns, ...more], rows);
}

function embeddingTable(embeddings: readonly (EmbeddingDescription | EmbeddingResponse)[]): string {
  const right = 'right' as const;
  const columns = [{ title: 'embedding' }, { title: 'model' }, { title: 'dim', align: right }, { title: 'distance' }, { title: 'partitions', align: right }];
  const more = [{ title: 'vectors', align: right }, { title: 'index' }, { title: 'memory', align: right }];
  const rows = embeddings.map((embedding) => {
    const stats = 'stats' in embedding ? embedding.stats : undefined;
    const counted = stats === undefined ? ['?', '?', '?'] : [formatCount(stats.vectorCount), stats.graph ? 'graph' : 'scan', formatBytes(stats.memoryBytes)];
    return [embedding.name, shorten(embedding.model, 40), String(embedding.dim), embedding.distance, String(embedding.partitions), ...counted];
  });
  return textTable([...columns, ...more], rows);
}

/** With counts where they can be had: an embedding whose shards do not answer is listed without. */
async function withCounts(client: ShoalClient, embeddings: readonly EmbeddingDescription[], signal: AbortSignal): Promise<(EmbeddingDescription | EmbeddingResponse)[]> {
  const described: (EmbeddingDescription | EmbeddingResponse)[] = [...embeddings];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < embeddings.length) {
      const index = next++;
      const embedding = embeddings[index];
      if (embedding === undefined) return;
      try {
        described[index] = await client.embedding(embedding.name).describe({ signal });
      } catch (error) {
        if (!(error instanceof ShoalError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CLI_LIMITS.statusInFlight }, lane));
  return described;
}

function clusterText(cluster: ClusterResponse, url: string): string {
  const { bus, unservedSlots } = cluster;
  const head = `Shoal ${cluster.version} at ${url}, ${cluster.mode}; bus ${bus.description}${bus.connected ? '' : ' (not connected)'}; ${cluster.slots} slots\n\n`;
  const unserved = unservedSlots.length === 0 ? '' : `\nNo shard is ready for slots ${formatRanges([...unservedSlots].sort((a, b) => a - b))}.\n`;
  return head + shardTable(cluster) + unserved;
}

/** Undefined for a tenant's key: which shards there are is the operator's business. */
async function clusterFor(client: ShoalClient, signal: AbortSignal): Promise<ClusterResponse | undefined> {
  try {
    return await client.cluster({ signal });
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'forbidden') return undefined;
    throw error;
  }
}

async function runStatusCommand(options: StatusOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const { client, url } = await connect(globals, system);
  const cluster = await clusterFor(client, system.interrupt);
  const all = await client.embeddings({ signal: system.interrupt });
  const embeddings = await withCounts(client, all.slice(0, CLI_LIMITS.statusEmbeddings), system.interrupt);
  if (options.json) {
    system.stdout.write(`${JSON.stringify({ cluster, embeddings, embeddingCount: all.length })}\n`);
    return;
  }
  system.stdout.write(cluster === undefined ? `Shoal at ${url}; only the root key shows its shards\n` : clusterText(cluster, url));
  system.stdout.write(`\n${all.length === 0 ? 'No embeddings yet.\n' : embeddingTable(embeddings)}`);
  if (all.length > embeddings.length) system.stdout.write(`and ${formatCount(all.length - embeddings.length)} more\n`);
}

export function addStatusCommand(program: Command, system: CliSystem): void {
  const command = program.command('status').description('show shards (with the root key) and embeddings').option('--json', 'print JSON', false);
  addConnectionOptions(command, true).action(async (options: StatusOptions) => {
    await runStatusCommand(options, connectionOf(command), system);
  });
}
