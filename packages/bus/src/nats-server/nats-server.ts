/** A nats-server of our own on loopback: for `shoal cluster` and for tests. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError } from '@shoal/protocol';
import type { FoundServer } from './find-nats-server.ts';
import { freePort } from './free-port.ts';

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
const OUTPUT_CHARS = 16 * 1024;

export interface NatsServerOptions {
  readonly binary: FoundServer;
  /** Where JetStream keeps its files; a temporary directory, removed at the end, when absent. */
  readonly storeDirectory?: string;
  /** A free port when absent. */
  readonly port?: number;
  /** What the server is called, and whom it talks to, when it is one of several. */
  readonly cluster?: ClusterMembership;
  /** Further lines of the configuration, such as those of TLS and authorization. */
  readonly configuration?: string;
}

export interface ClusterMembership {
  readonly serverName: string;
  readonly clusterName: string;
  /** Where the other servers reach this one. */
  readonly routePort: number;
  /** Where this server reaches the others. */
  readonly routePorts: readonly number[];
}

/** Every acknowledged write is on disk: by default a server would sync every two minutes. */
function configurationOf(options: NatsServerOptions, port: number, directory: string): string {
  const lines = [`listen: "127.0.0.1:${port}"`, `jetstream {\n  store_dir: ${JSON.stringify(directory)}\n  sync_interval: always\n}`];
  if (options.cluster !== undefined) {
    const { serverName, clusterName, routePort, routePorts } = options.cluster;
    const routes = routePorts.map((other) => `"nats-route://127.0.0.1:${other}"`).join(', ');
    lines.push(`server_name: ${JSON.stringify(serverName)}`);
    lines.push(`cluster {\n  name: ${JSON.stringify(clusterName)}\n  listen: "127.0.0.1:${routePort}"\n  routes: [${routes}]\n}`);
  }
  return `${[...lines, ...(options.configuration === undefined ? [] : [options.configuration])].join('\n')}\n`;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * The server as a process. It is ended by its id alone; should this process die without ending it, a watchdog that waits on a pipe
 * from here ends it instead.
 */
export class NatsServer {
  readonly url: string;
  readonly version: string;
  readonly source: string;
  readonly #options: NatsServerOptions;
  readonly #port: number;
  /** Holds JetStream's files in `jetstream/`, and the configuration. */
  readonly directory: string;
  #child: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;
  #output = '';
  #stopping = false;
  readonly #died = Promise.withResolvers<void>();

  private constructor(options: NatsServerOptions, port: number, directory: string) {
    this.#options = options;
    this.#port = port;
    this.directory = directory;
    this.url = `nats://127.0.0.1:${port}`;
    this.version = options.binary.version;
    this.source = options.binary.source;
  }

  static async start(options: NatsServerOptions): Promise<NatsServer> {
    const directory = options.storeDirectory ?? (await mkdtemp(join(tmpdir(), 'shoal-nats-')));
    await mkdir(directory, { recursive: true });
    const server = new NatsServer(options, options.port ?? (await freePort()), directory);
    await server.start();
    return server;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the nats-server is not running');
    return pid;
  }

  /** Resolves when the server ends without having been asked to. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  /** Starts it again, on the same port and store. Rejects with `bus_unreachable` and what it printed when it does not come up. */
  async start(): Promise<void> {
    const config = join(this.directory, 'nats-server.conf');
    await writeFile(config, configurationOf(this.#options, this.#port, this.directory));
    this.#stopping = false;
    this.#output = '';
    const child = spawn(this.#options.binary.path, ['-c', config], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('exit', () => {
      // Its process id may soon be another's.
      this.#watchdog?.kill('SIGKILL');
      if (!this.#stopping) this.#died.resolve();
    });
    this.#child = child;
    this.#watchdog = spawn('sh', ['-c', `read -r _; kill -9 ${child.pid}`], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    await this.#untilUp(child);
  }

  /** Ends the server and keeps its store; it can be started again. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#stopping = true;
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

  /** Ends the server for good; a temporary store goes with it. */
  async close(): Promise<void> {
    await this.stop();
    if (this.#options.storeDirectory === undefined) await rm(this.directory, { recursive: true, force: true });
  }

  async #untilUp(child: ChildProcess): Promise<void> {
    const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
    // The port opens before JetStream has recovered its streams; the last line of a start is this one.
    while (!(this.#output.includes('Server is ready') && (await accepts(this.#port)))) {
      if (deadline.aborted || child.exitCode !== null) {
        await this.stop('SIGKILL');
        throw new ShoalError('bus_unreachable', `nats-server ${this.version} did not start on ${this.url}: ${this.#output.trim().split('\n').at(-1) ?? 'no output'}`);
      }
      await sleep(POLL_MS);
    }
  }
}
