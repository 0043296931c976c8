/** Requests for every route of the table: valid ones, mutated ones, and ones that mean harm. */
import { NDJSON_MEDIA_TYPE, ROUTES, VECTOR_BODY_MEDIA_TYPE, encodeVectorBody, type Route } from '@shoal/protocol';
import { damagedText, flipped, mutate } from './json-mutation.ts';
import type { SeededChoice } from './seeded-choice.ts';

export interface FuzzRequest {
  readonly method: string;
  readonly bytes: Buffer;
  /** Not HTTP, or not by its rules: the connection may be closed instead of answered. */
  readonly isMalformed: boolean;
}

export interface FuzzKeys {
  readonly root: string;
  readonly others: readonly string[];
}

const DIM = 4;
const routes: readonly (readonly [string, Route])[] = Object.entries(ROUTES as { readonly [name: string]: Route });
const NAMES = ['fuzz', 'fuzz', 'fuzz', 'fuzz', 'angles', 'other', 'gone', 'default', 'a'];
const ODD_SEGMENTS = ['..', '.', '%2e%2e', '%00', '%ff', '%', '%zz', 'A', 'ü', '%F0%9F%92%A5', 'x'.repeat(129), 'x'.repeat(600), '__proto__', 'constructor', '*', ';', '%2F', '%25', ' '];
const WORDS = ['read', 'write', 'admin', 'root', 'upsert', 'insert', 'applied', 'logged'];

const vector = (choice: SeededChoice): number[] => Array.from({ length: DIM }, () => Math.round((choice.next() * 2 - 1) * 1_000) / 1_000 + 0.001);
const key = (choice: SeededChoice): string => `k${choice.below(500)}`;

function filter(choice: SeededChoice): { readonly [member: string]: unknown } {
  return choice.of([
    { must: [{ field: 'n', equals: choice.below(10) }] },
    { should: [{ field: 'tag', any_of: ['x', 'y'] }, { field: 'n', range: { gte: choice.below(10), lt: 10 } }] },
    { must_not: [{ field: 'tag', exists: true }], must: [{ key_in: [key(choice), key(choice)] }] },
    { must: [{ should: [{ must: [{ field: 'n', range: { gt: 3 } }] }] }] },
    {},
  ]);
}

function sampleBody(operation: string, choice: SeededChoice): unknown {
  switch (operation) {
    case 'registerEmbedding': return { name: choice.of(['fuzz', 'other', 'gone']), model: choice.of(['m', 'm2']), dim: DIM, distance: choice.of(['l2', 'cosine', 'dot']) };
    case 'writeVectors': return { vectors: Array.from({ length: 1 + choice.below(5) }, () => ({ key: key(choice), values: vector(choice), payload: { n: choice.below(10), tag: 'x' } })), mode: choice.of(['upsert', 'insert']) };
    case 'deleteVectors': return choice.chance(0.7) ? { keys: [key(choice), key(choice)] } : { filter: { ...filter(choice), must: [{ field: 'n', equals: choice.below(1_000) }] } };
    case 'updatePayloads': return { updates: [{ key: key(choice), payload: { n: choice.below(10), tag: choice.of(['x', 'y', null]) } }], mode: choice.of(['merge', 'replace']) };
    case 'declareFields': return { fields: choice.of([{ n: 'integer' }, { tag: 'keyword' }, { tags: 'keywords' }, { at: 'datetime' }, { ok: 'boolean' }, { score: 'float' }]) };
    case 'scrollVectors': return { limit: 1 + choice.below(20), filter: filter(choice), include: ['payload'], timeoutMs: 200 };
    case 'countVectors': return { filter: filter(choice), timeoutMs: 200 };
    case 'setAlias': return { embedding: choice.of(['fuzz', 'angles', 'other']) };
    case 'search': return choice.chance(0.7)
      ? { vector: vector(choice), k: 1 + choice.below(20), ef: 50, include: ['payload'], timeoutMs: 200, ...(choice.chance(0.3) ? { filter: filter(choice) } : {}) }
      : { vectors: [vector(choice), vector(choice)], k: 3, path: choice.of(['auto', 'exact', 'rabitq', 'flat']), timeoutMs: 200, after: { [choice.below(64)]: 1 + choice.below(3) } };
    case 'moveSlot': return { shard: choice.of(['shard-0', 'shard-9']) };
    case 'setReplicas': return { replicas: choice.below(4) };
    case 'createTenant': return { tenant: choice.of(['fuzz-a', 'fuzz-b', 'gone']), quotas: { vectors: choice.below(100_000) } };
    case 'updateTenant': return { quotas: { requestsPerSecond: choice.of([null, 1_000]), bytes: choice.of([null, 1e9]) } };
    case 'createKey': return { role: choice.of(WORDS.slice(0, 3)), name: 'n', embeddings: ['fuzz'] };
    default: return { k: 3, limit: 5, filter: filter(choice), cursor: '', alias: 'other', embedding: 'fuzz', timeoutMs: 200 };
  }
}

/** What is dropped and deleted is set apart, so that the rest of the requests finds something. */
const ENDING = new Set(['dropEmbedding', 'deleteTenant', 'deleteAlias']);

function segment(operation: string, parameter: string, choice: SeededChoice): string {
  if (choice.chance(0.15)) return choice.of(ODD_SEGMENTS).replaceAll(' ', '%20').replaceAll('ü', '%C3%BC');
  if (ENDING.has(operation)) return 'gone';
  switch (parameter) {
    case 'name': return choice.of(NAMES);
    case 'key': return key(choice);
    case 'alias': return choice.of(['gone', 'alias', 'fuzz']);
    case 'shard': return choice.of(['shard-0', 'never']);
    case 'slot': return `${choice.below(70)}`;
    case 'tenant': return choice.of(['fuzz-a', 'gone', 'never']);
    default: return choice.bytes(8).toString('hex');
  }
}

function queryString(choice: SeededChoice): string {
  if (choice.chance(0.8)) return '';
  const names = ['timeoutMs', 'wait', 'mode', 'after', 'limit', 'cursor', 'x', '__proto__', 'key'];
  const values = ['1', '50', '0', '-1', 'applied', 'insert', '%7B%220%22:1%7D', '{', '', '%ff', 'x'.repeat(2_000), '1e9'];
  return `?${Array.from({ length: 1 + choice.below(3) }, () => `${choice.of(names)}=${choice.of(values)}`).join('&')}`;
}

function authorization(keys: FuzzKeys, choice: SeededChoice): string[] {
  const kind = choice.next();
  if (kind < 0.7) return [`authorization: Bearer ${keys.root}`];
  if (kind < 0.92) return [`authorization: Bearer ${choice.of(keys.others)}`];
  if (kind < 0.95) return [`authorization: Bearer ${keys.root}`, `x-shoal-tenant: ${choice.of(['fuzz-a', 'never', 'default', 'A B', '', 'x'.repeat(300)])}`];
  return choice.of([[], ['authorization: Basic x'], ['authorization: Bearer'], [`authorization: Bearer shoal_${'0'.repeat(16)}_${'x'.repeat(43)}`], [`authorization: Bearer ${'x'.repeat(8_000)}`]]);
}

interface Body {
  readonly type: string;
  readonly content: Buffer;
}

function bodyOf(operation: string, choice: SeededChoice): Body {
  const kind = choice.next();
  if (operation === 'writeVectors' && kind < 0.3) return writeBody(choice);
  const sample = sampleBody(operation, choice);
  const type = choice.chance(0.97) ? 'application/json' : choice.of([NDJSON_MEDIA_TYPE, VECTOR_BODY_MEDIA_TYPE, 'text/plain', 'application/json; charset=latin1', '', 'x'.repeat(500)]);
  if (kind < 0.5) return { type, content: Buffer.from(JSON.stringify(sample)) };
  if (kind < 0.85) return { type, content: Buffer.from(JSON.stringify(mutate(choice.chance(0.3) ? mutate(sample, choice) : sample, choice)) ?? '') };
  if (kind < 0.97) return { type, content: damagedText(sample, choice) };
  return { type, content: choice.bytes(choice.below(400)) };
}

/** The two forms of a write besides JSON, whole or damaged. */
function writeBody(choice: SeededChoice): Body {
  const inputs = Array.from({ length: 1 + choice.below(4) }, () => ({ key: key(choice), values: Float32Array.from(vector(choice)) }));
  if (choice.chance(0.5)) {
    const content = Buffer.from(encodeVectorBody(inputs, DIM));
    return { type: VECTOR_BODY_MEDIA_TYPE, content: choice.chance(0.5) ? content : flipped(content, choice) };
  }
  const lines = Buffer.from(inputs.map((input) => JSON.stringify({ key: input.key, values: [...input.values] })).join('\n'));
  return { type: NDJSON_MEDIA_TYPE, content: choice.chance(0.5) ? lines : flipped(lines, choice) };
}

/** Registrations and drops leave a trace in the registry for good, so real ones are rare. */
const RARE = new Set(['registerEmbedding', 'dropEmbedding', 'createTenant', 'deleteTenant', 'createKey', 'setAlias', 'deleteAlias']);

export function nextRequest(keys: FuzzKeys, choice: SeededChoice): FuzzRequest {
  if (choice.chance(0.002)) return malformed(keys, choice);
  let [operation, route] = choice.of(routes);
  while (RARE.has(operation) && !choice.chance(0.05)) [operation, route] = choice.of(routes);
  const isOdd = choice.chance(0.02);
  const method = isOdd ? choice.of(['PUT', 'PATCH', 'OPTIONS', 'HEAD', 'DELETE', 'POST', 'GET', 'TRACE']) : route.method;
  const path = choice.chance(0.01) ? `/${choice.of(ODD_SEGMENTS).replaceAll(' ', '+').replaceAll('ü', 'u')}` : route.url.replace(/:(\w+)/g, (_all, name: string) => segment(operation, name, choice));
  const headers = ['host: fuzz', ...authorization(keys, choice)];
  let content = Buffer.alloc(0);
  // A body where the route has none is part of the game, but not on GET: the server would read it as the next request.
  if (!['GET', 'HEAD', 'TRACE'].includes(method) && (route.schema.body !== undefined || choice.chance(0.05))) {
    const body = bodyOf(operation, choice);
    content = Buffer.from(body.content);
    if (body.type !== '') headers.push(`content-type: ${body.type}`);
    headers.push(`content-length: ${content.length}`);
  } else if (method === 'POST' || method === 'PUT' || method === 'PATCH') headers.push('content-length: 0');
  if (choice.chance(0.02)) headers.push(choice.of(['x-request-id: \u00ff', `x-request-id: ${'r'.repeat(100)}`, 'idempotency-key: x', `idempotency-key: ${'i'.repeat(400)}`, 'content-encoding: gzip', 'expect: 100-continue', 'accept: text/html', 'x-forwarded-for: 1']));
  return { method, isMalformed: false, bytes: Buffer.concat([Buffer.from(`${method} ${path}${queryString(choice)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1'), content]) };
}

function malformed(keys: FuzzKeys, choice: SeededChoice): FuzzRequest {
  const head = `POST /v1/embeddings/fuzz/search HTTP/1.1\r\nhost: fuzz\r\nauthorization: Bearer ${keys.root}\r\ncontent-type: application/json\r\n`;
  const text = choice.of([
    choice.bytes(1 + choice.below(300)).toString('latin1'),
    'GET / HTTP/9.9\r\n\r\n', 'GET\r\n\r\n', 'FROB / HTTP/1.1\r\nhost: x\r\n\r\n', '\r\n\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000',
    `${head}content-length: 10\r\ncontent-length: 11\r\n\r\n{"k":1}`,
    `${head}content-length: -1\r\n\r\n{}`, `${head}content-length: 99999999999999\r\n\r\n{}`, `${head}content-length: 40\r\n\r\n{}`,
    `${head}transfer-encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n`, `${head}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
    `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"k":\r\n2\r\n1}\r\n0\r\n\r\n`,
    `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, `GET / HTTP/1.1\r\nhost: x\r\n${'x: y\r\n'.repeat(5_000)}\r\n`,
    'GET /v1/embeddings HTTP/1.1\r\n\r\n', 'GET /v1/embeddings HTTP/1.1\r\nhost: x\r\nauthorization : y\r\n\r\n', 'GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n',
  ]);
  return { method: 'POST', isMalformed: true, bytes: Buffer.from(text, 'latin1') };
}
