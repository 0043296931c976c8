/** A system for tests: output is kept, a temporary folder is the working directory, and the interrupt is at hand. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interruption, type CliSystem } from '../cli-system.ts';
import { runCli } from '../run-cli.ts';

export class TestSystem {
  readonly directory: string;
  url: string | undefined;
  apiKey: string | undefined;
  /** Everything written by the last command. */
  out = '';
  err = '';
  #interrupt = new AbortController();

  constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<TestSystem> {
    return new TestSystem(await mkdtemp(join(tmpdir(), 'shoal-cli-')));
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  /** What ctrl-C does. */
  interrupt(): void {
    this.#interrupt.abort(new Interruption('SIGINT'));
  }

  system(): CliSystem {
    return {
      stdout: { write: (text) => void (this.out += text), terminal: undefined },
      stderr: { write: (text) => void (this.err += text), terminal: undefined },
      workingDirectory: this.directory,
      url: this.url,
      apiKey: this.apiKey,
      childEnvironment: {},
      nowMs: Date.now,
      interrupt: this.#interrupt.signal,
    };
  }

  /** Runs one command line like a new process would, and returns its exit code. */
  async run(...words: string[]): Promise<number> {
    this.out = '';
    this.err = '';
    this.#interrupt = new AbortController();
    return await runCli(words, this.system());
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }
}

/** Vectors in the fvecs format. */
export function fvecsOf(rows: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(
    rows.map((row) => {
      const record = Buffer.alloc(4 + row.length * 4);
      record.writeInt32LE(row.length, 0);
      row.forEach((value, index) => record.writeFloatLE(value, 4 + index * 4));
      return record;
    }),
  );
}

/** Rows of whole numbers in the ivecs format. */
export function ivecsOf(rows: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(rows.map((row) => Buffer.from(Int32Array.from([row.length, ...row]).buffer)));
}
