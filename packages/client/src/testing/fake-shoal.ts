/**
 * A gateway in memory for tests of what calls one: the real parsers and answer shapes, a Map instead of log and shards, and
 * faults on demand. Keys are not checked, one slot carries every write, and nothing is kept.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  PROBLEM_MEDIA_TYPE,
  ShoalError,
  VECTOR_BODY_MEDIA_TYPE,
  decodeVectorBody,
  fieldsToJson,
  parseDeleteRequest,
  parseEmbeddingName,
  parseRegistration,
  parseSearchRequest,
  parseWriteOptions,
  parseWriteRequest,
  payloadToJson,
  problemOf,
  type ClusterResponse,
  type Outcome,
  type Wait,
  type WriteResponse,
} from '@shoal/protocol';
import { FakeEmbedding } from './fake-embedding.ts';

export interface SeenRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What happens instead of the answer: `reset` cuts the connection, `hang` never answers, an answer is sent as it is. */
export type FakeFault = 'reset' | 'hang' | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

export interface FakeShoal {
  readonly url: string;
  readonly requests: SeenRequest[];
  readonly embeddings: Map<string, FakeEmbedding>;
  /** Asked for every request, before it has an effect. */
  faultBefore: (request: SeenRequest) => FakeFault | undefined;
  /** Asked after the effect: the answer is lost, the write is not. */
  faultAfter: (request: SeenRequest) => FakeFault | undefined;
  /** Waited for before every answer. */
  delay: (request: SeenRequest) => Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const SLOTS = 64;
const SLOT = '3';

function clusterOf(embeddings: ReadonlyMap<string, FakeEmbedding>): ClusterResponse {
  const vectorCount = [...embeddings.values()].reduce((sum, { vectors }) => sum + vectors.size, 0);
  const slots = Array.from({ length: SLOTS }, (_unused, slot) => ({ slot, ready: true, appliedSequence: slot, lastSequence: slot, setAsideCount: 0, embeddingCount: 1, vectorCount: slot === 3 ? vectorCount : 0 }));
  return {
    version: '0.0.0',
    mode: 'embedded',
    bus: { kind: 'embedded', description: 'memory', connected: true },
    slots: SLOTS,
    shards: [{ shard: 'fake', version: '0.0.0', ready: true, lastSeenMs: 12, slots, engineMemoryBytes: 3 * 2 ** 20, engineMemoryMaxBytes: 2 ** 32 }],
    unservedSlots: [],
  };
}

class FakeRoutes {
  readonly embeddings = new Map<string, FakeEmbedding>();
  /** Stands for the clock: every registration has a time of its own. */
  #registrationCount = 0;

  answer(request: SeenRequest): Answer {
    const url = new URL(request.url, 'http://fake');
    const [version, collection, name, action, key] = url.pathname.slice(1).split('/').map(decodeURIComponent);
    if (version === 'healthz' || version === 'readyz') return { status: 200, body: { status: version === 'readyz' ? 'ready' : 'ok' } };
    if (collection === 'cluster') return { status: 200, body: clusterOf(this.embeddings) };
    if (version !== 'v1' || collection !== 'embeddings') throw new ShoalError('route_not_found', `There is no route ${request.url}.`);
    if (name === undefined) return request.method === 'POST' ? this.#register(request.body) : this.#list();
    const embedding = this.#find(name);
    if (action === undefined) return request.method === 'DELETE' ? this.#drop(name) : { status: 200, body: embedding.describe() };
    if (action === 'search') return this.#search(embedding, request.body);
    if (action === 'delete') return this.#delete(embedding, request.body);
    return key === undefined ? this.#write(embedding, request, url) : this.#get(embedding, key);
  }

  #find(name: string): FakeEmbedding {
    const embedding = this.embeddings.get(parseEmbeddingName(name));
    if (embedding === undefined) throw new ShoalError('embedding_not_found', `There is no embedding "${name}".`, { field: 'name' });
    return embedding;
  }

  #register(body: Buffer): Answer {
    const registration = parseRegistration(JSON.parse(body.toString()));
    const known = this.embeddings.get(registration.name);
    if (known !== undefined) return { status: 200, body: known.description };
    const rabitq = { ...registration.rabitq, memory: registration.rabitq.memory ?? 'full' } as const;
    const description = { ...registration, rabitq, fields: fieldsToJson(registration.fields), code: this.embeddings.size + 1, state: 'active', createdAt: new Date(this.#registrationCount++).toISOString() } as const;
    this.embeddings.set(registration.name, new FakeEmbedding(description));
    return { status: 201, body: description };
  }

  #list(): Answer {
    return { status: 200, body: { embeddings: [...this.embeddings.values()].map((embedding) => embedding.description) } };
  }

  #drop(name: string): Answer {
    this.embeddings.delete(name);
    return { status: 204 };
  }

  #write(embedding: FakeEmbedding, request: SeenRequest, url: URL): Answer {
    const isBinary = request.headers['content-type'] === VECTOR_BODY_MEDIA_TYPE;
    const { vectors, mode, wait } = isBinary
      ? { vectors: decodeVectorBody(request.body, embedding.description.dim, embedding.description.distance), ...parseWriteOptions(Object.fromEntries(url.searchParams)) }
      : parseWriteRequest(JSON.parse(request.body.toString()), embedding.space);
    return this.#written(embedding, vectors.map((vector) => vector.key), embedding.write(vectors, mode), wait);
  }

  #delete(embedding: FakeEmbedding, body: Buffer): Answer {
    const request = parseDeleteRequest(JSON.parse(body.toString()));
    if (!('keys' in request)) throw new ShoalError('invalid_field', 'The fake server deletes by keys only.', { field: 'filter' });
    const { keys, wait } = request;
    return this.#written(embedding, keys, embedding.delete(keys), wait);
  }

  #written(embedding: FakeEmbedding, keys: readonly string[], outcomes: readonly Outcome[], wait: Wait): Answer {
    const response: WriteResponse = { accepted: keys.length, receipt: { [SLOT]: embedding.sequence } };
    if (wait === 'logged') return { status: 200, body: response };
    return { status: 200, body: { ...response, outcomes: keys.map((key, index) => ({ key, outcome: outcomes[index] })) } };
  }

  #get(embedding: FakeEmbedding, key: string): Answer {
    const stored = embedding.vectors.get(key);
    if (stored === undefined) throw new ShoalError('vector_not_found', `No vector has the key "${key}".`, { field: 'key' });
    const { values, payload } = stored;
    return { status: 200, body: { key, values: Array.from(values), ...(payload === undefined ? {} : { payload: payloadToJson(payload) }) } };
  }

  #search(embedding: FakeEmbedding, body: Buffer): Answer {
    const request = parseSearchRequest(JSON.parse(body.toString()), embedding.space, SLOTS);
    const path = request.path === 'auto' ? 'flat' : request.path;
    return { status: 200, body: { results: embedding.search(request), path, distanceComputations: embedding.vectors.size, tookMs: 0.1 } };
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: unknown, mediaType: string): void {
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  response.writeHead(status, { 'content-type': mediaType }).end(JSON.stringify(body));
}

/** Does what the fault says; true when there was one. */
function fail(response: ServerResponse, fault: FakeFault | undefined): boolean {
  if (fault === undefined) return false;
  if (fault === 'reset') response.destroy();
  else if (fault !== 'hang') response.writeHead(fault.status, fault.headers).end(fault.body);
  return true;
}

async function serve(fake: FakeShoal, routes: FakeRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const seen: SeenRequest = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: await readBody(request) };
  fake.requests.push(seen);
  if (fail(response, fake.faultBefore(seen))) return;
  await fake.delay(seen);
  try {
    const { status, body } = routes.answer(seen);
    if (fail(response, fake.faultAfter(seen))) return;
    send(response, status, body, 'application/json');
  } catch (error) {
    const failure = error instanceof ShoalError ? error : new ShoalError('internal', String(error));
    send(response, failure.status, problemOf(failure, `req-${fake.requests.length}`), PROBLEM_MEDIA_TYPE);
  }
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Starts on a free loopback port. */
export async function startFakeShoal(): Promise<FakeShoal> {
  const routes = new FakeRoutes();
  const server = createServer((request, response) => {
    serve(fake, routes, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fake: FakeShoal = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    embeddings: routes.embeddings,
    faultBefore: () => undefined,
    faultAfter: () => undefined,
    delay: async () => {},
    close: () => closeServer(server),
  };
  return fake;
}
