import type { ThreadMemory, ThreadTasks } from '@shoal/jobs';
import { gauge, type MetricFamily } from '@shoal/telemetry';

/** What the threads that read files hold. A reading shows what was found after the one before, since threads are asked and answer later. */
export class ThreadMeter {
  readonly #tasks: Pick<ThreadTasks, 'memory'>;
  #last: ThreadMemory = { threadCount: 0, heapUsedBytes: 0, heapTotalBytes: 0, externalBytes: 0 };
  #isAsking = false;

  constructor(tasks: Pick<ThreadTasks, 'memory'>) {
    this.#tasks = tasks;
  }

  families(): readonly MetricFamily[] {
    void this.#ask();
    const { threadCount, heapUsedBytes, heapTotalBytes, externalBytes } = this.#last;
    return [
      gauge('shoal.worker.threads', '{thread}', 'Threads that read files.', threadCount),
      {
        type: 'gauge', name: 'shoal.worker.threads.memory', unit: 'By', description: 'Memory of these threads: of their heaps in use and altogether, and outside of them.',
        points: Object.entries({ heap_used: heapUsedBytes, heap_total: heapTotalBytes, external: externalBytes }).map(([type, value]) => ({ attributes: { 'shoal.memory.type': type }, value })),
      },
    ];
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.#last = await this.#tasks.memory();
    } finally {
      this.#isAsking = false;
    }
  }
}
