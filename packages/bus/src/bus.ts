import type { MutationLog } from './mutation-log.ts';
import type { Registry } from './registry.ts';
import type { Requests } from './requests.ts';
import type { Snapshots } from './snapshots.ts';

/** Everything that a service needs of the message bus. */
export interface Bus {
  /** `sim` runs in virtual time, for tests of the whole. */
  readonly kind: 'embedded' | 'nats' | 'sim';
  readonly description: string;
  readonly log: MutationLog;
  readonly requests: Requests;
  readonly registry: Registry;
  readonly snapshots: Snapshots;
  /** False while the connection is down. */
  connected(): boolean;
  /** Closes snapshots, registry, requests and log, in this order. */
  close(): Promise<void>;
}
