/** `shoal dev`: the embedded node as a child process, and its demo if wanted. */
import { resolve } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { ShoalError } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { Interruption } from '../cli-system.ts';
import { CommandFailure, sentenceOf } from '../command-failure.ts';
import { readRootKey } from '../connection.ts';
import { runDemo } from '../demo/run-demo.ts';
import { CLI_LIMITS } from '../limits.ts';
import { wholeNumber } from '../option-parsers.ts';
import { exitCodeOfChild, startChild, type RunningChild } from '../processes/child-process.ts';
import { checkPortsFree } from '../processes/free-ports.ts';
import { programEntry } from '../processes/program-entry.ts';

export interface DevOptions {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly demo: boolean;
}

/** An address that a client can call, for a host that a server listens on. */
export function clientUrl(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function demonstrate(options: DevOptions, dataDirectory: string, system: CliSystem, stop: AbortSignal): Promise<void> {
  const url = clientUrl(options.host, options.port);
  const signal = AbortSignal.any([system.interrupt, stop]);
  await new ShoalClient({ url }).waitUntilReady({ timeoutMs: CLI_LIMITS.readyTimeoutMs, signal });
  const apiKey = system.childEnvironment['SHOAL_ROOT_KEY'] ?? (await readRootKey(dataDirectory));
  const client = new ShoalClient({ url, ...(apiKey === undefined ? {} : { apiKey }) });
  await runDemo({ client, keyFile: resolve(dataDirectory, 'root-key'), output: system.stdout, nowMs: system.nowMs, signal });
}

/** The node stays up when its demo fails: the sentence says why. */
async function demonstrateBeside(child: RunningChild, options: DevOptions, dataDirectory: string, system: CliSystem): Promise<void> {
  const stop = new AbortController();
  const stopDemo = (): void => stop.abort(new Error('the node ended'));
  void child.exited.then(stopDemo, stopDemo);
  try {
    await demonstrate(options, dataDirectory, system, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted && !system.interrupt.aborted) system.stderr.write(`shoal: the demo failed: ${sentenceOf(error)}\n`);
  }
}

export async function runDevCommand(options: DevOptions, entry: string, system: CliSystem): Promise<void> {
  if (options.demo && options.port === 0) throw new ShoalError('invalid_field', 'The demo needs a port of its own choice, not 0.', { field: 'port' });
  const dataDirectory = resolve(system.workingDirectory, options.dataDir);
  const environment = { ...system.childEnvironment, SHOAL_HTTP_HOST: options.host, SHOAL_HTTP_PORT: String(options.port), SHOAL_DATA_DIR: dataDirectory };
  // The demo must not talk to a stranger that answers on the port.
  await checkPortsFree(options.host, [options.port]);
  const child = startChild({ name: 'node', entry, environment });
  const ending: Promise<unknown>[] = [];
  const forward = (): void => {
    const reason: unknown = system.interrupt.reason;
    ending.push(child.end(reason instanceof Interruption ? reason.signal : 'SIGTERM', CLI_LIMITS.childEndMs));
  };
  system.interrupt.addEventListener('abort', forward, { once: true });
  if (system.interrupt.aborted) forward();
  const demo = options.demo ? demonstrateBeside(child, options, dataDirectory, system) : Promise.resolve();
  const exit = await child.exited;
  await Promise.all([demo, ...ending]);
  const code = exitCodeOfChild(exit);
  if (code !== 0) throw new CommandFailure(code);
}

export function addDevCommand(program: Command, system: CliSystem): void {
  program
    .command('dev')
    .description('start an embedded node: one process, no other server')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535), CLI_LIMITS.defaultPort)
    .option('--data-dir <folder>', 'where everything is kept', CLI_LIMITS.defaultDataDirectory)
    .option('--demo', 'load the demo on the first start, and show searches', false)
    .action(async (options: DevOptions) => {
      await runDevCommand(options, programEntry('@shoal/node/main'), system);
    });
}
