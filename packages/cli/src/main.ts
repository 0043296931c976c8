#!/usr/bin/env node
import { nodeVersionFault } from '@shoal/process';
import { INTERRUPTED_EXIT_CODE, Interruption, type TextOutput } from './cli-system.ts';
import { runCli } from './run-cli.ts';

const interrupt = new AbortController();

/** The first signal ends the command in order, the second at once. */
function onSignal(signal: NodeJS.Signals): void {
  if (interrupt.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
  interrupt.abort(new Interruption(signal));
}
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

function outputTo(stream: NodeJS.WriteStream): TextOutput {
  return { write: (text) => void stream.write(text), terminal: stream.isTTY ? stream : undefined };
}

// A reader that has seen enough, such as `head`, ends the command without a word.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const versionFault = nodeVersionFault(process.versions.node);
if (versionFault !== undefined) {
  process.stderr.write(`shoal: ${versionFault}\n`);
  process.exit(1);
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: outputTo(process.stdout),
  stderr: outputTo(process.stderr),
  workingDirectory: process.cwd(),
  url: process.env['SHOAL_URL'] || undefined,
  apiKey: process.env['SHOAL_API_KEY'] || undefined,
  childEnvironment: process.env,
  nowMs: Date.now,
  interrupt: interrupt.signal,
});
