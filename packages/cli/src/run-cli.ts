/** Runs one command line to its exit code. */
import { CommanderError } from 'commander';
import type { CliSystem } from './cli-system.ts';
import { CommandFailure, exitCodeOf, sentenceOf } from './command-failure.ts';
import { buildProgram } from './program.ts';

/** `words` are the words after the program's name. Errors become one sentence on stderr; their stack only with --verbose. */
export async function runCli(words: readonly string[], system: CliSystem): Promise<number> {
  try {
    await buildProgram(system).parseAsync([...words], { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own sentence; asking for help is not an error.
    if (error instanceof CommanderError) return error.exitCode;
    if (!(error instanceof CommandFailure)) {
      const stack = words.includes('--verbose') && error instanceof Error ? `${error.stack ?? ''}\n` : '';
      system.stderr.write(`shoal: ${sentenceOf(error)}\n${stack}`);
    }
    return exitCodeOf(error);
  }
}
