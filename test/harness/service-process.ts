import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '@shoal/process';

export type ServiceName = 'gateway' | 'shard' | 'node' | 'worker';

const OUTPUT_CHARS = 64 * 1024;
const live = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});

/** A service as a process of its own, started from its built entry point, with the newest part of its output kept for diagnosis. */
export class ServiceProcess {
  readonly name: string;
  readonly #service: ServiceName;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #fileSizeKib: number | undefined;
  #output = '';

  constructor(name: string, service: ServiceName, environment: Readonly<Record<string, string>>) {
    this.name = name;
    this.#service = service;
    this.#environment = environment;
  }

  start(): void {
    const entry = fileURLToPath(import.meta.resolve(`@shoal/${this.#service}/main`));
    const limit = this.#fileSizeKib;
    // The shell counts blocks of 512 bytes and becomes the process itself.
    const [command, ...words] = limit === undefined ? [process.execPath, ...NODE_FLAGS, entry] : ['/bin/sh', '-c', `ulimit -f ${limit * 2}; exec "$0" "$@"`, process.execPath, ...NODE_FLAGS, entry];
    const child = spawn(command ?? process.execPath, words, { env: { PATH: process.env['PATH'], ...this.#environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    live.add(child);
    child.on('exit', () => live.delete(child));
    this.#child = child;
  }

  /** From the next start on no file of the process grows beyond the limit: writing fails as on a disk that is full. */
  limitFileSize(kib: number | undefined): void {
    this.#fileSizeKib = kib;
  }

  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} was not started`);
    return pid;
  }

  /** Lets the process stand still, as it does when its machine has other things to do, or go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Sends a signal and waits for the process to be gone; returns its exit code, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.running) return child?.exitCode ?? null;
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(20_000) });
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  /** Waits for the process to end by itself. */
  async ended(timeoutMs: number): Promise<number | null> {
    if (this.running && this.#child !== undefined) await once(this.#child, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
    return this.#child?.exitCode ?? null;
  }
}

/** Polls until the gateway says that everything is served; fails with the output of the processes at the deadline. */
export async function untilReady(url: string, processes: readonly ServiceProcess[], timeoutMs = 60_000): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  let last = 'no answer';
  while (Date.now() < deadlineMs) {
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
      last = await response.text();
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const outputs = processes.map((process) => `--- ${process.name}\n${process.output}`).join('\n');
  throw new Error(`${url} was not ready after ${timeoutMs} ms: ${last}\n${outputs}`);
}
