import type { Bus } from '@shoal/bus';
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
