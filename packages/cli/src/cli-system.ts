/** Everything that a command needs of the process it runs in. Made by main.ts; tests make their own. */
export interface TextOutput {
  write(text: string): void;
  /** The terminal behind it, for progress bars; undefined when it is a file or a pipe. */
  readonly terminal: NodeJS.WriteStream | undefined;
}

export interface CliSystem {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** Folder against which paths are resolved. */
  readonly workingDirectory: string;
  /** SHOAL_URL and SHOAL_API_KEY. */
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  /** The whole environment, handed on to child processes. */
  readonly childEnvironment: Readonly<Record<string, string | undefined>>;
  /** Time of day, milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Aborted by the first SIGINT or SIGTERM; its reason is an `Interruption`. */
  readonly interrupt: AbortSignal;
}

/** Why a command was told to end. */
export class Interruption extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
    this.signal = signal;
  }
}

/** Exit code of a process that was ended by SIGINT, by the shell's convention 128 + 2. */
export const INTERRUPTED_EXIT_CODE = 130;
