/** A Node program as a child process that is ended in order, and never outlives this process. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { NODE_FLAGS } from '@shoal/process';
import { forwardLines, type LineSink } from './line-prefix.ts';

export interface ChildProgram {
  readonly name: string;
  /** Address or path of the module to run. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where its lines go; without one it writes to this process's own stdout and stderr. */
  readonly onLine?: LineSink;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningChild {
  readonly name: string;
  readonly exited: Promise<ChildExit>;
  /** Sends the signal, and SIGKILL when the child still runs after `deadlineMs`. */
  end(signal: NodeJS.Signals, deadlineMs: number): Promise<ChildExit>;
}

const PRELOAD = new URL(`./end-with-parent${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** How long the last lines of a child that has ended may take; more only when something it started holds its output open. */
const LAST_OUTPUT_MS = 500;

async function exitOf(child: ChildProcess): Promise<ChildExit> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exit = await new Promise<ChildExit>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await Promise.race([closed, wait(LAST_OUTPUT_MS)]);
  return exit;
}

/** The exit code that stands for how a child ended, by the shell's convention for signals. */
export function exitCodeOfChild({ code, signal }: ChildExit): number {
  if (code !== null) return code;
  const numbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };
  return 128 + (signal === null ? 0 : (numbers[signal] ?? 0));
}

export function startChild(program: ChildProgram): RunningChild {
  const sink = program.onLine;
  // Its own process group: ctrl-C in the terminal then reaches this process alone, which passes it on once and in order.
  const child = spawn(process.execPath, [...NODE_FLAGS, '--import', PRELOAD.href, program.entry], {
    env: { ...program.environment },
    detached: true,
    stdio: sink === undefined ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (sink !== undefined) {
    assert(child.stdout !== null && child.stderr !== null, 'pipes were asked for');
    forwardLines(child.stdout, sink);
    forwardLines(child.stderr, sink);
  }
  const exited = exitOf(child);
  const end = async (signal: NodeJS.Signals, deadlineMs: number): Promise<ChildExit> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const patience = new AbortController();
    const late = wait(deadlineMs, undefined, { signal: patience.signal }).then(
      () => child.kill('SIGKILL'),
      () => false,
    );
    try {
      return await exited;
    } finally {
      patience.abort();
      await late;
    }
  };
  return { name: program.name, exited, end };
}
