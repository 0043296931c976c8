/** How a command ends other than well: one sentence on stderr, and an exit code. */
import { ShoalClientError } from '@shoal/client';
import { ShoalError } from '@shoal/protocol';
import { INTERRUPTED_EXIT_CODE, Interruption } from './cli-system.ts';

/** Thrown by a command that has already said why it failed. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/** The sentence for the person at the terminal. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ShoalClientError && error.origin === 'connection') {
    return `${error.message.replace(/\.$/, '')}; start it with \`shoal dev\`, or name another address with --url. (${error.code})`;
  }
  if (error instanceof ShoalError && error.code === 'unauthorized') {
    return `The API key is missing or not valid; give it with --api-key or SHOAL_API_KEY. A node keeps its own in root-key in its data directory. (${error.code})`;
  }
  if (error instanceof ShoalError) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode;
  return error instanceof Interruption ? INTERRUPTED_EXIT_CODE : 1;
}
