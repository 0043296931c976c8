export { parseWorkerConfig, type WorkerConfig } from './config.ts';
export { startWorker, type RunningWorker, type WorkerDependencies } from './worker.ts';
