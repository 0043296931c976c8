// A search thread: waits on its ring, searches, publishes answers. It runs until the ring closes.

import { parentPort, workerData } from 'node:worker_threads';
import assert from 'node:assert';
import { PATH_CODES, instantiateKernel } from '@shoal/kernel';
import type { Address, WasmMemory, WasmModule } from '@shoal/kernel';
import { RequestRing } from './request-ring.ts';
import type { Slot } from './request-ring.ts';

export interface SearchWorkerData {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly scratch: Address;
  readonly ring: Address;
}

/** After this long, answers wait for no other of their batch: waking the main thread costs as much as half a search. */
const TELL_AFTER_MS = 1;

/** A scan, or a walk through a filter, may take many times as long as a search of the graph. */
function mayTakeLong({ path, filter }: Slot): boolean {
  return path === PATH_CODES.flat || filter !== 0;
}

function serve(data: SearchWorkerData): void {
  const port = parentPort;
  assert(port !== null, 'runs as a worker thread');
  const kernel = instantiateKernel(data.module, data.memory);
  const ring = new RequestRing(data.memory, data.ring);
  let completed = 0;
  /** When the main thread is to be told of answers at the latest; undefined while there are none. */
  let tellAtMs: number | undefined;
  const tell = (): void => {
    tellAtMs = undefined;
    if (ring.mustTell()) port.postMessage(undefined);
  };
  for (;;) {
    const submitted = ring.waitForRequests(completed);
    if (submitted === undefined) return;
    while (completed !== submitted) {
      if (tellAtMs !== undefined && mayTakeLong(ring.read(completed))) tell();
      ring.search(kernel, data.scratch, completed);
      completed = (completed + 1) >>> 0;
      ring.publish(completed);
      const nowMs = performance.now();
      tellAtMs ??= nowMs + TELL_AFTER_MS;
      if (completed === submitted || nowMs >= tellAtMs) tell();
    }
  }
}

serve(workerData as SearchWorkerData);
