import { ImportRunner, LevelImportRecords, LocalImports, startThreadTasks, type SourcePolicy } from '@shoal/jobs';
import type { ImportBackend } from '@shoal/gateway';
import { systemTimers } from '@shoal/pacing';
import type { ImportId } from '@shoal/protocol';
import type { Logger } from 'pino';

/** Chunks of different imports; one import goes on chunk by chunk. */
const THREADS = 2;

export interface NodeImports extends ImportBackend {
  /** Begins to run imports, those of an earlier process first; rows go through the gateway at this address. */
  start(gatewayUrl: string): Promise<void>;
  /** Ends what is running; the next process goes on with it. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The same imports as those of a cluster's workers, run in this process and remembered in its data directory. Rows go through the gateway's own
 * port, so that quotas, validation and receipts are those of every other write.
 */
export async function openNodeImports(directory: string, policy: SourcePolicy, logger: Logger): Promise<NodeImports> {
  const records = await LevelImportRecords.open(directory);
  let running: { readonly queue: LocalImports; stop(): Promise<void> } | undefined;
  return {
    records,
    queue: {
      // What is asked for before the start is found by the start.
      enqueue: async (id: ImportId, run: number) => running?.queue.enqueue(id, run),
      close: async () => undefined,
    },
    async start(gatewayUrl) {
      const tasks = await startThreadTasks({ threadCount: THREADS });
      const runner = new ImportRunner({ records, tasks, policy, gatewayUrls: [gatewayUrl], clock: { nowMs: Date.now }, timers: systemTimers, logger });
      const queue = new LocalImports({ runner, timers: systemTimers, logger });
      running = {
        queue,
        async stop() {
          await queue.close();
          await tasks.close();
        },
      };
      await queue.start();
    },
    stop: async () => running?.stop(),
    close: () => records.close(),
  };
}
