import { open } from 'node:fs/promises';
import type { ImportRejection } from '@shoal/protocol';

/** Made when the first row is rejected, one JSON object a line; empty imports leave no empty file. */
export class RejectionReport {
  readonly path: string;
  #handle: Awaited<ReturnType<typeof open>> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async add(rejections: readonly ImportRejection[]): Promise<void> {
    this.#handle ??= await open(this.path, 'w');
    await this.#handle.write(rejections.map((rejection) => `${JSON.stringify(rejection)}\n`).join(''));
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
