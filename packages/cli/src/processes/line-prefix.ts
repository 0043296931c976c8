/** Output of child processes line by line, so that lines of several never mix. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { TextOutput } from '../cli-system.ts';
import { CLI_LIMITS } from '../limits.ts';

/** Takes one line without its newline. */
export type LineSink = (line: string) => void;

/** Cuts a stream of text into lines. An overlong line is passed on in pieces, so that memory stays bounded. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #sink: LineSink;
  #pending = '';

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  push(bytes: Buffer): void {
    this.#take(this.#decoder.write(bytes));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#pending !== '') this.#sink(this.#pending);
    this.#pending = '';
  }

  #take(text: string): void {
    const lines = `${this.#pending}${text}`.split('\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) this.#sink(line.replace(/\r$/, ''));
    if (this.#pending.length > CLI_LIMITS.childLineChars) {
      this.#sink(this.#pending);
      this.#pending = '';
    }
  }
}

export function forwardLines(stream: Readable, sink: LineSink): void {
  const splitter = new LineSplitter(sink);
  stream.on('data', (bytes: Buffer) => splitter.push(bytes));
  stream.on('end', () => splitter.end());
}

/** A sink that writes `name | line`, with the names of one group in a column. */
export function prefixedSink(output: TextOutput, name: string, nameChars: number): LineSink {
  return (line) => output.write(`${name.padEnd(nameChars)} | ${line}\n`);
}
