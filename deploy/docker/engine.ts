/** The Docker engine that images are made with: one that answers here, or one of our own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const runFile = promisify(execFile);
const SYSTEM_SOCKET = '/var/run/docker.sock';
const PROBE_TIMEOUT_MS = 10_000;
const COMMAND_TIMEOUT_MS = 600_000;
const OUTPUT_BYTES = 16 * 2 ** 20;

export interface CommandOptions {
  readonly timeoutMs?: number;
  /** A program whose output goes to the command's standard input. */
  readonly from?: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** An engine and the command that talks to it. */
export class DockerEngine {
  /** As in DOCKER_HOST. */
  readonly host: string;
  /** For people: where it came from and its version. */
  readonly description: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #end: () => Promise<void>;

  constructor(host: string, description: string, options: { programs?: string; end?: () => Promise<void> } = {}) {
    this.host = host;
    this.description = description;
    const path = [options.programs, process.env['PATH']].filter((each) => each !== undefined).join(':');
    this.#environment = { ...process.env, PATH: path, DOCKER_HOST: host };
    this.#end = options.end ?? (async () => {});
  }

  /** Runs `docker` with these arguments and gives what it printed. Throws with what it complained of. */
  async docker(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const env = { ...this.#environment, ...options.environment };
    const timeout = options.timeoutMs ?? COMMAND_TIMEOUT_MS;
    if (options.from === undefined) return (await runFile('docker', [...args], { env, timeout, maxBuffer: OUTPUT_BYTES })).stdout.trim();
    const [program, ...programArgs] = options.from;
    const source = spawn(program, programArgs, { stdio: ['ignore', 'pipe', 'inherit'] });
    const child = spawn('docker', [...args], { env, timeout, stdio: [source.stdout, 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with code ${code}`);
    return output.trim();
  }

  async has(image: string): Promise<boolean> {
    return this.docker(['image', 'inspect', '--format', '{{.Id}}', image]).then(
      () => true,
      () => false,
    );
  }

  /** Ends an engine of our own; another one is left as it is. */
  close(): Promise<void> {
    return this.#end();
  }
}

/** The version of the engine at `host`, asked with the `docker` on the path; undefined where none answers. */
export async function engineVersion(host: string, programs?: string): Promise<string | undefined> {
  const env = { ...process.env, DOCKER_HOST: host, PATH: [programs, process.env['PATH']].filter((each) => each !== undefined).join(':') };
  try {
    return (await runFile('docker', ['version', '--format', '{{.Server.Version}}'], { env, timeout: PROBE_TIMEOUT_MS })).stdout.trim();
  } catch {
    return undefined;
  }
}

/** The engine that DOCKER_HOST names, or the one of this machine; undefined where none answers. */
export async function findEngine(environment: Readonly<Record<string, string | undefined>>): Promise<DockerEngine | undefined> {
  const named = environment['DOCKER_HOST'];
  const host = named !== undefined && named !== '' ? named : existsSync(SYSTEM_SOCKET) ? `unix://${SYSTEM_SOCKET}` : undefined;
  if (host === undefined) return undefined;
  const version = await engineVersion(host);
  return version === undefined ? undefined : new DockerEngine(host, `Docker ${version} (found)`);
}

/** Where an engine of our own keeps programs and images, inside the cache of the repository. */
export function engineCache(cacheDirectory: string): { readonly packages: string; readonly data: string } {
  return { packages: join(cacheDirectory, 'docker-packages'), data: join(cacheDirectory, 'docker-data') };
}
