export { runCli } from './run-cli.ts';
export { Interruption, type CliSystem, type TextOutput } from './cli-system.ts';
