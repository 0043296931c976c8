/** `shoal demo`: the demo against a gateway that runs already. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, readRootKey, type ConnectionOptions } from '../connection.ts';
import { runDemo } from '../demo/run-demo.ts';
import { CLI_LIMITS } from '../limits.ts';

async function runDemoCommand(globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const { client, apiKey } = await connect(globals, system);
  const dataDirectory = resolve(system.workingDirectory, CLI_LIMITS.defaultDataDirectory);
  const isKept = apiKey !== undefined && apiKey === (await readRootKey(dataDirectory));
  const keyFile = isKept ? { keyFile: resolve(dataDirectory, 'root-key') } : {};
  await runDemo({ client, ...keyFile, output: system.stdout, nowMs: system.nowMs, signal: system.interrupt });
}

export function addDemoCommand(program: Command, system: CliSystem): void {
  const command = program.command('demo').description('load the demo once and ask it three questions');
  addConnectionOptions(command, true).action(async () => {
    await runDemoCommand(connectionOf(command), system);
  });
}
