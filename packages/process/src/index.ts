export { nodeVersionFault } from './node-version.ts';
export { CLOSE_TIMEOUT_MS, nodeProcess, runProcess, type ProcessHost, type RunningService } from './run-process.ts';
export { VERSION } from './version.ts';
