import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { LIMITS, NDJSON_MEDIA_TYPE, ShoalError, VECTOR_BODY_MEDIA_TYPE } from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BodyBudget } from '../body-budget.ts';
import { findJsonError } from './json-syntax.ts';

/** A request body as it was received; routes take it apart by hand. */
export type RequestBody =
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'ndjson'; readonly bytes: Uint8Array }
  | { readonly type: 'vectors'; readonly bytes: Uint8Array };

const JSON_MEDIA_TYPE = 'application/json';

function tooLarge(): ShoalError {
  return new ShoalError('body_too_large', `The body is larger than ${LIMITS.bodyBytes} bytes.`, { field: 'body', limit: LIMITS.bodyBytes });
}

/** The JSON value of a body. `__proto__` and the like become plain members, which no parser of a request knows. */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new ShoalError('malformed_json', 'The body is not UTF-8.', { field: 'body' });
  const text = bytes.toString('utf8');
  if (text.trim() === '') throw new ShoalError('malformed_json', 'The body is empty; it must be JSON.', { field: 'body' });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = findJsonError(text) ?? text.length;
    const lines = text.slice(0, at).split('\n');
    const place = at === text.length ? 'it ends too early, at' : 'the first error is at';
    const column = (lines.at(-1)?.length ?? 0) + 1;
    throw new ShoalError('malformed_json', `The body is not valid JSON: ${place} position ${at} (line ${lines.length}, column ${column}).`, { field: 'body', cause });
  }
}

/** Reserves the memory of bodies while their requests are answered. */
export class BodyReader {
  readonly #budget: BodyBudget;
  readonly #reservedBytes = new WeakMap<FastifyRequest, number>();

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** Gives the memory of a request's body free, once its answer is sent or its connection gone. */
  release(request: FastifyRequest): void {
    const bytes = this.#reservedBytes.get(request);
    if (bytes === undefined) return;
    this.#reservedBytes.delete(request);
    this.#budget.release(bytes);
  }

  /**
   * Reads the whole body. Throws `body_too_large` as soon as the head or the bytes so far say so, and `overloaded` when too
   * many bodies are under way; the rest of the body is then read and thrown away by the server.
   */
  async read(request: FastifyRequest, stream: IncomingMessage): Promise<Buffer> {
    const announcedBytes = Number(request.headers['content-length'] ?? 0);
    if (announcedBytes > LIMITS.bodyBytes) throw tooLarge();
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      throw new ShoalError('unsupported_media_type', 'Compressed bodies are not supported.', { field: 'content-encoding' });
    }
    this.#reserve(request, announcedBytes);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let receivedBytes = 0;
      const onData = (chunk: Buffer): void => {
        receivedBytes += chunk.length;
        try {
          if (receivedBytes > LIMITS.bodyBytes) throw tooLarge();
          if (receivedBytes > announcedBytes) this.#reserve(request, chunk.length);
          chunks.push(chunk);
        } catch (error) {
          stop(() => reject(error));
          stream.resume();
        }
      };
      const onEnd = (): void => stop(() => {
        request.cost.bytesIn += receivedBytes;
        resolve(Buffer.concat(chunks, receivedBytes));
      });
      const onClose = (): void => stop(() => reject(new ShoalError('malformed_body', 'The connection ended before the body did.', { field: 'body' })));
      const stop = (settle: () => void): void => {
        stream.off('data', onData).off('end', onEnd).off('error', onClose).off('close', onClose);
        settle();
      };
      stream.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose);
    });
  }

  #reserve(request: FastifyRequest, bytes: number): void {
    this.#budget.reserve(bytes);
    this.#reservedBytes.set(request, (this.#reservedBytes.get(request) ?? 0) + bytes);
  }
}

/** Installs the three content types. A body without or with another one is refused with `unsupported_media_type`. */
export function acceptBodies(app: FastifyInstance, reader: BodyReader): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_MEDIA_TYPE, async (request: FastifyRequest, stream: IncomingMessage): Promise<RequestBody> => {
    const value = parseJson(await reader.read(request, stream));
    return { type: 'json', value };
  });
  app.addContentTypeParser(NDJSON_MEDIA_TYPE, async (request: FastifyRequest, stream: IncomingMessage): Promise<RequestBody> => {
    return { type: 'ndjson', bytes: await reader.read(request, stream) };
  });
  app.addContentTypeParser(VECTOR_BODY_MEDIA_TYPE, async (request: FastifyRequest, stream: IncomingMessage): Promise<RequestBody> => {
    return { type: 'vectors', bytes: await reader.read(request, stream) };
  });
}

/** The body of a request, `malformed_json` when there is none. */
export function bodyOf(request: FastifyRequest): RequestBody {
  const body = request.body as RequestBody | undefined;
  if (body === undefined) throw new ShoalError('malformed_json', 'The request has no body; it must be JSON.', { field: 'body' });
  return body;
}

/** The JSON value of a request whose route takes nothing else. */
export function jsonBodyOf(request: FastifyRequest): unknown {
  const body = bodyOf(request);
  if (body.type !== 'json') throw new ShoalError('unsupported_media_type', `This route takes ${JSON_MEDIA_TYPE} only.`, { field: 'content-type' });
  return body.value;
}
