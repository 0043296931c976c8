/** A redis-server of our own on loopback, with an append-only file and no eviction, as the queues need it: for tests. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@shoal/bus/nats-server';
import { Redis } from 'ioredis';
import { libraryEnvironment, type FoundRedisServer } from './find-redis-server.ts';

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
const OUTPUT_CHARS = 16 * 1024;

/**
 * The server as a process, ended by its id alone. Should this process die without ending it, a watchdog that waits on a pipe from here
 * ends it instead.
 */
export class RedisServer {
  readonly url: string;
  readonly version: string;
  readonly source: string;
  readonly #binary: FoundRedisServer;
  readonly #port: number;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;
  #output = '';

  private constructor(binary: FoundRedisServer, port: number, directory: string) {
    this.#binary = binary;
    this.#port = port;
    this.#directory = directory;
    this.url = `redis://127.0.0.1:${port}`;
    this.version = binary.version;
    this.source = binary.source;
  }

  static async start({ binary }: { readonly binary: FoundRedisServer }): Promise<RedisServer> {
    const server = new RedisServer(binary, await freePort(), await mkdtemp(join(tmpdir(), 'shoal-redis-')));
    await server.start();
    return server;
  }

  /** Starts it again, on the same port and with the same data. Throws what it printed when it does not come up. */
  async start(): Promise<void> {
    const settings = ['--bind', '127.0.0.1', '--port', String(this.#port), '--dir', this.#directory, '--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction', '--save', ''];
    this.#output = '';
    const child = spawn(this.#binary.path, settings, { env: { ...libraryEnvironment(this.#binary) }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // Its process id may soon be another's.
    child.on('exit', () => this.#watchdog?.kill('SIGKILL'));
    this.#child = child;
    this.#watchdog = spawn('sh', ['-c', `read -r _; kill -9 ${child.pid}`], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    await this.#untilUp(child);
  }

  /** Ends the server and keeps its data; it can be started again. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#watchdog?.kill('SIGKILL');
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    child.kill(signal);
    try {
      await exited;
    } catch {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  /** Ends the server and deletes its data. */
  async close(): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #untilUp(child: ChildProcess): Promise<void> {
    const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
    while (!(await this.#answers())) {
      if (deadline.aborted || child.exitCode !== null) {
        await this.stop('SIGKILL');
        throw new Error(`redis-server ${this.version} did not start on ${this.url}: ${this.#output.trim().split('\n').at(-1) ?? 'no output'}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Whether it has read its data and takes commands. */
  async #answers(): Promise<boolean> {
    const redis = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0, connectTimeout: 1_000 });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return (await redis.ping()) === 'PONG';
    } catch {
      return false;
    } finally {
      redis.disconnect();
    }
  }
}
