/** docker-compose.yml of the repository as one project: the command of the machine, or Debian's, fetched into the cache. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchDebianPackages } from '@shoal/bus/nats-server';

const runFile = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const OUTPUT_BYTES = 16 * 2 ** 20;
const COMMAND_TIMEOUT_MS = 600_000;

export class ComposeProject {
  readonly #command: readonly [string, ...string[]];
  readonly #environment: NodeJS.ProcessEnv;
  readonly version: string;

  private constructor(command: readonly [string, ...string[]], environment: NodeJS.ProcessEnv, version: string) {
    this.#command = command;
    this.#environment = environment;
    this.version = version;
  }

  /** Throws where there is no compose and none can be fetched. */
  static async open(options: { readonly dockerHost: string; readonly cacheDirectory: string; readonly settings: Readonly<Record<string, string>>; readonly say: (text: string) => void }): Promise<ComposeProject> {
    const environment = { ...process.env, DOCKER_HOST: options.dockerHost, ...options.settings };
    const fetched = join(options.cacheDirectory, 'docker-compose');
    for (const fetch of [false, true]) {
      if (fetch) await fetchDebianPackages({ names: ['docker-compose'], suite: 'unstable', target: fetched, say: options.say });
      const inPackage = ['usr/libexec/docker/cli-plugins/docker-compose', 'usr/bin/docker-compose'].map((each) => join(fetched, each)).filter((each) => existsSync(each));
      const candidates: [string, ...string[]][] = [['docker', 'compose'], ['docker-compose'], ...inPackage.map((path): [string] => [path])];
      for (const command of candidates) {
        const [program, ...args] = command;
        const version = await runFile(program, [...args, 'version', '--short'], { env: environment }).then(({ stdout }) => stdout.trim(), () => undefined);
        if (version !== undefined) return new ComposeProject(command, environment, version);
      }
    }
    throw new Error('there is no docker compose here, and none could be fetched');
  }

  /** Runs one of compose's commands and gives what it printed. */
  async run(...args: string[]): Promise<string> {
    const [program, ...first] = this.#command;
    const { stdout } = await runFile(program, [...first, '--file', join(root, 'docker-compose.yml'), ...args], { env: this.#environment, cwd: root, timeout: COMMAND_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES });
    return stdout.trim();
  }
}
