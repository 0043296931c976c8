export { NODE_FLAGS } from './node-flags.ts';
export { nodeVersionFault } from './node-version.ts';
export { Opened } from './opened.ts';
export { CLOSE_TIMEOUT_MS, nodeProcess, runProcess, type ProcessHost, type RunningService } from './run-process.ts';
export { SECRET_SETTINGS, withSecretFiles } from './secret-files.ts';
export { START_TIMEOUT_MS, startUntil, type StartTry, type StartUntilOptions } from './start-until.ts';
export { VERSION } from './version.ts';
