/** A bare connection: requests go out as bytes, many at a time; answers are read by their content-length or chunk by chunk. */
import { connect, type Socket } from 'node:net';
import type { FuzzRequest } from './request-generator.ts';

export interface FuzzAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** `cut`: the connection ended first, which a bad request before it on the same connection may cause. */
export type FuzzOutcome = FuzzAnswer | 'cut' | 'silent';

const SILENCE_MS = 30_000;
const LINE_END = '\r\n';

/** The body that starts at `from`, and where it ends; undefined until all of it is there. */
function readBody(received: Buffer, from: number, head: string): { readonly body: string; readonly end: number } | undefined {
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) {
    const end = from + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    return received.length < end ? undefined : { body: received.toString('utf8', from, end), end };
  }
  const chunks: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = received.indexOf(LINE_END, at);
    if (lineEnd < 0) return undefined;
    const sizeBytes = Number.parseInt(received.toString('latin1', at, lineEnd), 16);
    const chunkEnd = lineEnd + LINE_END.length + sizeBytes;
    if (received.length < chunkEnd + LINE_END.length) return undefined;
    if (sizeBytes === 0) return { body: Buffer.concat(chunks).toString('utf8'), end: chunkEnd + LINE_END.length };
    chunks.push(received.subarray(lineEnd + LINE_END.length, chunkEnd));
    at = chunkEnd + LINE_END.length;
  }
}

export class FuzzConnection {
  readonly #socket: Socket;
  readonly #waiting: { readonly request: FuzzRequest; readonly settle: (outcome: FuzzOutcome) => void }[] = [];
  #received: Buffer = Buffer.alloc(0);
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => this.#end('cut'));
    socket.on('close', () => this.#end('cut'));
    // A connection on which nobody waits may be quiet for as long as it likes.
    socket.setTimeout(SILENCE_MS, () => {
      if (this.#waiting.length > 0) this.#end('silent');
    });
  }

  static open(port: number): Promise<FuzzConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new FuzzConnection(socket)));
      socket.once('error', reject);
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  send(request: FuzzRequest): Promise<FuzzOutcome> {
    return new Promise((settle) => {
      if (this.closed) return settle('cut');
      this.#waiting.push({ request, settle });
      this.#socket.write(request.bytes);
    });
  }

  close(): void {
    this.#end('cut');
  }

  #end(outcome: 'cut' | 'silent'): void {
    this.closed = true;
    this.#socket.destroy();
    for (const { settle } of this.#waiting.splice(0)) settle(outcome);
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const headEnd = this.#received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = this.#received.toString('latin1', 0, headEnd);
      const status = Number(head.slice(9, 12));
      if (status === 100) {
        this.#received = this.#received.subarray(headEnd + 4);
        continue;
      }
      const read = this.#waiting[0]?.request.method === 'HEAD' ? { body: '', end: headEnd + 4 } : readBody(this.#received, headEnd + 4, head);
      if (read === undefined) return;
      const { body, end } = read;
      this.#received = this.#received.subarray(end);
      this.#waiting.shift()?.settle({ status, contentType: /\r\ncontent-type: ([^\r]+)/i.exec(head)?.[1] ?? '', body });
      if (/\r\nconnection: close/i.test(head)) this.#end('cut');
    }
  }
}
