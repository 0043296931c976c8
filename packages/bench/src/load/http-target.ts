import { encodeVectorBody, VECTOR_BODY_MEDIA_TYPE } from '@shoal/protocol';
import { rowOf } from '../engine/measured-engine.ts';
import { OperationFailure, type BenchCaller, type BenchData, type BenchTarget, type SearchSettings } from './bench-target.ts';
import { encodeRequest, HttpConnection, type HttpAnswer } from './http-connection.ts';

export interface HttpTargetOptions {
  readonly url: string;
  readonly apiKey: string;
  /** Name of the embedding, registered already. */
  readonly embedding: string;
  readonly data: BenchData;
  readonly description: string;
  readonly processIds: readonly number[];
}

const APPLIED_TIMEOUT_MS = 60_000;

/** A gateway, whatever is behind it. */
export class HttpTarget implements BenchTarget {
  readonly description: string;
  readonly processIds: readonly number[];
  readonly #options: HttpTargetOptions;
  /** Search requests as they go over the wire, made once per query and settings. */
  readonly #searches = new Map<string, Buffer>();

  constructor(options: HttpTargetOptions) {
    this.#options = options;
    this.description = options.description;
    this.processIds = options.processIds;
  }

  async openCaller(): Promise<BenchCaller> {
    const connection = await HttpConnection.open(this.#options.url);
    return {
      search: async (query, settings) => {
        const { body } = await succeeded(connection.send(this.#searchRequest(query, settings)));
        return () => rowsOf(body);
      },
      insert: async (firstRow, count) => {
        await succeeded(connection.send(this.#insertRequest(firstRow, count)));
      },
      close: () => connection.close(),
    };
  }

  async close(): Promise<void> {
    this.#searches.clear();
  }

  #searchRequest(query: number, { k, ef, path }: SearchSettings): Buffer {
    const name = `${query} ${k} ${ef} ${path}`;
    const known = this.#searches.get(name);
    if (known !== undefined) return known;
    const { url, apiKey, embedding, data } = this.#options;
    const body = Buffer.from(JSON.stringify({ vector: Array.from(rowOf(data.queries, query)), k, ef, path }));
    const request = encodeRequest({ method: 'POST', url, apiKey, path: `/v1/embeddings/${embedding}/search` }, body);
    this.#searches.set(name, request);
    return request;
  }

  #insertRequest(firstRow: number, count: number): Buffer {
    const { url, apiKey, embedding, data } = this.#options;
    const vectors = Array.from({ length: count }, (_, index) => (
      { key: String(firstRow + index), values: rowOf(data.data, (firstRow + index) % data.data.count) }));
    const path = `/v1/embeddings/${embedding}/vectors?wait=applied&timeoutMs=${APPLIED_TIMEOUT_MS}`;
    return encodeRequest({ method: 'POST', url, apiKey, path, contentType: VECTOR_BODY_MEDIA_TYPE }, encodeVectorBody(vectors, data.data.dim));
  }
}

async function succeeded(answer: Promise<HttpAnswer>): Promise<HttpAnswer> {
  let answered: HttpAnswer;
  try {
    answered = await answer;
  } catch (error) {
    throw new OperationFailure('connection', error instanceof Error ? error.message : String(error));
  }
  if (answered.status >= 200 && answered.status < 300) return answered;
  throw failureOf(answered);
}

function failureOf({ status, body }: HttpAnswer): OperationFailure {
  const text = body.toString();
  try {
    const problem = JSON.parse(text) as { readonly code?: unknown; readonly detail?: unknown };
    if (typeof problem.code === 'string') return new OperationFailure(problem.code, String(problem.detail ?? problem.code));
  } catch {
    // Not a problem document: the status says what there is to say.
  }
  return new OperationFailure(`http_${status}`, text.slice(0, 200));
}

function rowsOf(body: Buffer): readonly number[] {
  const { results } = JSON.parse(body.toString()) as { readonly results: readonly { readonly key: string }[] };
  return results.map(({ key }) => Number(key));
}
