import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchDebianPackages, freePort } from '@shoal/bus/nats-server';

const run = promisify(execFile);
const target = fileURLToPath(new URL('../../.cache/servers/prometheus', import.meta.url));

export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** Prometheus and promtool: on the PATH, in the cache, or from Debian's package. Throws where there are none. */
export async function findPrometheus(): Promise<PrometheusPrograms> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(target, 'usr', 'bin')];
  const inFolders = (): PrometheusPrograms | undefined => {
    const folder = folders.find((one) => existsSync(join(one, 'prometheus')) && existsSync(join(one, 'promtool')));
    return folder === undefined ? undefined : { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') };
  };
  const present = inFolders();
  if (present !== undefined) return present;
  await fetchDebianPackages({ names: ['prometheus'], suite: 'own', target, say: console.log });
  const fetched = inFolders();
  if (fetched === undefined) throw new Error('this suite needs prometheus and promtool: install them, or run where Debian\'s package can be fetched');
  return fetched;
}

/** Runs promtool; rejects with what it says when it finds fault. */
export async function promtool(words: readonly string[], cwd: string): Promise<string> {
  const { promtool: program } = await findPrometheus();
  const { stdout, stderr } = await run(program, [...words], { cwd });
  return stdout + stderr;
}

/** A Prometheus of the test's own that scrapes the given addresses every second. */
export class Prometheus {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url;
    this.#child = child;
    this.#directory = directory;
  }

  static async start(targets: readonly string[]): Promise<Prometheus> {
    const { prometheus } = await findPrometheus();
    const directory = await mkdtemp(join(tmpdir(), 'shoal-prometheus-'));
    const config = { global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: [{ job_name: 'shoal', static_configs: [{ targets }] }] };
    // JSON is YAML.
    await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(prometheus, [`--config.file=${join(directory, 'prometheus.yml')}`, `--storage.tsdb.path=${join(directory, 'data')}`, `--web.listen-address=${address}`, '--log.level=error'], { stdio: 'ignore' });
    return new Prometheus(`http://${address}`, child, directory);
  }

  /** The values of an instant query, by their labels as JSON. */
  async query(expression: string): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`, { signal: AbortSignal.timeout(5_000) });
    const body = (await response.json()) as { status: string; error?: string; data: { result: readonly { metric: object; value: readonly [number, string] }[] } };
    if (body.status !== 'success') throw new Error(`${expression}: ${body.error}`);
    return new Map(body.data.result.map(({ metric, value }) => [JSON.stringify(metric), Number(value[1])]));
  }

  /** The one value of an instant query. */
  async value(expression: string): Promise<number> {
    const [first] = (await this.query(expression)).values();
    if (first === undefined) throw new Error(`${expression} has no value`);
    return first;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
