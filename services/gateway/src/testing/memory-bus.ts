import type { Bus, Snapshots } from '@shoal/bus';
import { MemoryLog } from './memory-log.ts';
import { MemoryRegistry } from './memory-registry.ts';
import { MemoryRequests } from './memory-requests.ts';

/** The bus in memory, for tests that look inside it and break parts of it. */
export class MemoryBus implements Bus {
  readonly kind = 'embedded';
  readonly description = 'in memory';
  readonly log: MemoryLog;
  readonly requests = new MemoryRequests();
  readonly registry = new MemoryRegistry();
  readonly snapshots = noSnapshots;
  isConnected = true;

  constructor(slots = 8) {
    this.log = new MemoryLog(slots);
  }

  connected(): boolean {
    return this.isConnected;
  }

  async close(): Promise<void> {
    await this.registry.close();
    await this.requests.close();
    await this.log.close();
  }
}

/** The gateway takes and reads none. */
const noSnapshots: Snapshots = {
  put: () => Promise.reject(new Error('no snapshots in memory')),
  list: () => Promise.resolve([]),
  read: () => {
    throw new Error('no snapshots in memory');
  },
  delete: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
