// A search thread: waits on its ring, searches, publishes answers. It runs until the ring closes.

import { parentPort, workerData } from 'node:worker_threads';
import assert from 'node:assert';
import { instantiateKernel } from '@shoal/kernel';
import type { Address, WasmMemory, WasmModule } from '@shoal/kernel';
import { RequestRing } from './request-ring.ts';

export interface SearchWorkerData {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly scratch: Address;
  readonly ring: Address;
}

function serve(data: SearchWorkerData): void {
  const port = parentPort;
  assert(port !== null, 'runs as a worker thread');
  const kernel = instantiateKernel(data.module, data.memory);
  const ring = new RequestRing(data.memory, data.ring);
  let completed = 0;
  for (;;) {
    const submitted = ring.waitForRequests(completed);
    if (submitted === undefined) return;
    while (completed !== submitted) {
      const { index, k, ef, path, rerank, filter, query, answer } = ring.read(completed);
      kernel.search(data.scratch, index, query, k, ef, path, rerank, filter, answer);
      completed = (completed + 1) >>> 0;
      if (ring.complete(completed)) port.postMessage(undefined);
    }
  }
}

serve(workerData as SearchWorkerData);
