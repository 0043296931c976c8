/** Which processes make a local cluster, and with which settings. */
import { join } from 'node:path';
import { ShoalError } from '@shoal/protocol';

export interface ClusterOptions {
  readonly shards: number;
  readonly gateways: number;
  /** Port of the first gateway; the next ones take the next ports. */
  readonly port: number;
  readonly slots: number;
  readonly streams: number;
  /** Replicas of each slot, on different shards. */
  readonly replicas: number;
}

export interface PlannedProcess {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface ClusterPlan {
  readonly shards: readonly PlannedProcess[];
  readonly gateways: readonly (PlannedProcess & { readonly url: string })[];
}

export interface ClusterPlace {
  readonly dataDirectory: string;
  readonly natsUrl: string;
  readonly rootKey: string;
}

export function checkClusterOptions({ shards, gateways, port, slots, streams }: ClusterOptions): void {
  if (shards > slots) throw new ShoalError('invalid_field', `${shards} shards cannot share ${slots} slots.`, { field: 'shards', limit: slots });
  if (streams > slots) throw new ShoalError('invalid_field', `${streams} streams cannot share ${slots} slots.`, { field: 'streams', limit: slots });
  if (port + gateways - 1 > 65_535) throw new ShoalError('invalid_field', `The ports of ${gateways} gateways from ${port} on go past 65535.`, { field: 'port' });
}

export function planCluster(options: ClusterOptions, place: ClusterPlace): ClusterPlan {
  const { shards, gateways, port, slots, streams, replicas } = options;
  const common = { SHOAL_NATS_URL: place.natsUrl, SHOAL_SLOTS: String(slots), SHOAL_STREAMS: String(streams), SHOAL_REPLICAS: String(replicas) };
  return {
    shards: Array.from({ length: shards }, (_unused, index) => ({
      name: `shard-${index + 1}`,
      settings: {
        ...common,
        SHOAL_SHARD_ID: `shard-${index + 1}`,
        SHOAL_DATA_DIR: join(place.dataDirectory, `shard-${index + 1}`),
      },
    })),
    gateways: Array.from({ length: gateways }, (_unused, index) => ({
      name: `gateway-${index + 1}`,
      url: `http://127.0.0.1:${port + index}`,
      settings: { ...common, SHOAL_HTTP_HOST: '127.0.0.1', SHOAL_HTTP_PORT: String(port + index), SHOAL_ROOT_KEY: place.rootKey },
    })),
  };
}
