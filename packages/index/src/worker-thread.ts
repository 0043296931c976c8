import { Worker } from 'node:worker_threads';
import { EngineFailedError } from './errors.ts';

/** Starts a worker beside this module: its .ts source where this module runs as source, else its built file. */
export function startWorker(name: string, workerData: unknown): Worker {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new Worker(new URL(`./${name}${extension}`, import.meta.url), { workerData, name: `shoal-${name}` });
}

/** Calls `onDeath` once if the thread ends before `isClosing()`: by an error, a trap in the kernel, or an exit. */
export function watchWorker(worker: Worker, isClosing: () => boolean, onDeath: (error: EngineFailedError) => void): void {
  let reported = false;
  const report = (cause: unknown): void => {
    if (reported || isClosing()) return;
    reported = true;
    onDeath(new EngineFailedError(cause));
  };
  worker.on('error', report);
  worker.on('exit', (exitCode) => { report(new Error(`the thread ended with exit code ${exitCode}`)); });
}
