import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { freePort } from '@shoal/bus/nats-server';
import { ServiceProcess, untilReady } from './service-process.ts';

/** The embedded node as a process with a directory of its own. */
export class EmbeddedProcess {
  readonly url: string;
  readonly rootKey = 'test-root-key';
  readonly process: ServiceProcess;
  readonly directory: string;

  private constructor(port: number, directory: string, environment: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`;
    this.directory = directory;
    this.process = new ServiceProcess('node', 'node', {
      SHOAL_HTTP_PORT: String(port),
      SHOAL_DATA_DIR: directory,
      SHOAL_ROOT_KEY: this.rootKey,
      SHOAL_SEARCH_THREADS: '1',
      ...environment,
    });
  }

  static async start(environment: Readonly<Record<string, string>> = {}, limits: { readonly fileSizeKib?: number } = {}): Promise<EmbeddedProcess> {
    const node = new EmbeddedProcess(await freePort(), await mkdtemp(join(tmpdir(), 'shoal-node-')), environment);
    node.process.limitFileSize(limits.fileSizeKib);
    try {
      await node.restart();
    } catch (error) {
      await node.close();
      throw error;
    }
    return node;
  }

  async restart(): Promise<void> {
    this.process.start();
    await untilReady(this.url, [this.process]);
  }

  client(options: { timeoutMs?: number; retries?: number } = {}): ShoalClient {
    return new ShoalClient({ url: this.url, apiKey: this.rootKey, ...options });
  }

  async close(): Promise<void> {
    await this.process.end('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}
