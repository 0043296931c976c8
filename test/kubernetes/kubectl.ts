/** The command `kubectl` with the context that it has, or that is named. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';

const COMMAND_TIMEOUT_MS = 900_000;
const FORWARD_TIMEOUT_MS = 30_000;

/** A port of a pod or service on loopback. */
export interface ForwardedPort {
  readonly url: string;
  close(): Promise<void>;
}

export interface RunningCommand {
  readonly input: Writable;
  readonly output: Promise<string>;
}

export class Kubectl {
  readonly #first: readonly string[];

  constructor(options: { readonly context?: string | undefined; readonly namespace?: string } = {}) {
    this.#first = [...(options.context === undefined ? [] : ['--context', options.context]), ...(options.namespace === undefined ? [] : ['--namespace', options.namespace])];
  }

  /** A command that runs until its input ends; `output` is what it printed, or fails with what it complained of. */
  start(args: readonly string[]): RunningCommand {
    const child = spawn('kubectl', [...this.#first, ...args], { stdio: ['pipe', 'pipe', 'pipe'], timeout: COMMAND_TIMEOUT_MS });
    let output = '';
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    // A command that ends early says why in its complaint.
    child.stdin.on('error', () => {});
    const ended = async (): Promise<string> => {
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`kubectl ${args.slice(0, 6).join(' ')} ended with code ${code}: ${complaint.trim()}`);
      return output.trim();
    };
    return { input: child.stdin, output: ended() };
  }

  /** What the command printed. Throws with what it complained of. */
  run(args: readonly string[], input: string | Buffer = ''): Promise<string> {
    const command = this.start(args);
    command.input.end(input);
    return command.output;
  }

  async json<Answer>(args: readonly string[]): Promise<Answer> {
    return JSON.parse(await this.run([...args, '--output', 'json'])) as Answer;
  }

  /** Names of the pods of a workload that run and were not told to end. */
  async pods(name: string): Promise<string[]> {
    interface PodList { readonly items: readonly { readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }; readonly status: { readonly phase: string } }[] }
    const { items } = await this.json<PodList>(['get', 'pods', '--selector', `app.kubernetes.io/name=${name}`]);
    return items.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === 'Running').map(({ metadata }) => metadata.name);
  }

  /** `resource` as in `pod/NAME`; a free port of loopback leads to its `port` until it is closed or the pod ends. */
  async forward(resource: string, port: number): Promise<ForwardedPort> {
    const child = spawn('kubectl', [...this.#first, 'port-forward', resource, `:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'close');
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint = chunk.toString().trim()));
    const line = createInterface({ input: child.stdout });
    const found = await Promise.race([once(line, 'line', { signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS) }) as Promise<[string]>, ended.then(() => [''] as [string])]);
    const local = /127\.0\.0\.1:(\d+)/.exec(found[0])?.[1];
    if (local === undefined) throw new Error(`kubectl port-forward ${resource} ended: ${complaint}`);
    return {
      url: `http://127.0.0.1:${local}`,
      async close() {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }
}
