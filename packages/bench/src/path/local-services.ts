/** Services as processes of this machine, for benchmarks. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const OUTPUT_CHARS = 16 * 1024;
const END_TIMEOUT_MS = 15_000;
const READY_POLL_MS = 50;

export interface ServiceOptions {
  readonly name: string;
  /** Path of the built program. */
  readonly entry: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly programArguments?: readonly string[];
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
}

export class LocalService {
  readonly name: string;
  readonly #child: ChildProcess;
  #output = '';

  constructor({ name, entry, environment = {}, programArguments = [], nodeArguments = [] }: ServiceOptions, path: string | undefined) {
    this.name = name;
    this.#child = spawn(process.execPath, [...nodeArguments, entry, ...programArguments], { env: { PATH: path, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it in order, and by force when that takes too long. */
  async end(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** Waits until the gateway serves every slot; fails with the services' output when one ended or the time is over. */
export async function untilServed(url: string, services: readonly LocalService[], timeoutMs: number, nowMs: () => number): Promise<void> {
  const deadlineMs = nowMs() + timeoutMs;
  let last = 'no answer';
  while (nowMs() < deadlineMs && services.every(({ running }) => running)) {
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
      last = await response.text();
    } catch (error) {
      last = String(error);
    }
    await pause(READY_POLL_MS);
  }
  throw new Error(`${url} was not ready: ${last}\n${services.map(({ name, output }) => `--- ${name}\n${output}`).join('\n')}`);
}
