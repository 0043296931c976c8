import { connect } from '@nats-io/transport-node';
import { LIMITS, SUBJECTS, encodeVectorBody, parseEmbeddingCode, parsePartition, slotOf, VECTOR_BODY_MEDIA_TYPE, type VectorKey } from '@shoal/protocol';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';

const DIM = 4;
const SLOTS = 8;

const suite = suiteCluster({ shardCount: 2, gatewayCount: 1, slots: SLOTS });
let code: number;

beforeAll(async () => {
  const { handle, description } = await suite.cluster.client().register({ name: 'bad', model: 'bad', dim: DIM, distance: 'cosine' });
  code = description.code;
  await handle.upsert([{ key: 'kept', values: new Float32Array([1, 2, 3, 4]) }], { wait: 'applied' });
});

// Whatever a test sent: nothing is lost, nothing was added, nobody is disturbed and no process ended.
afterEach(async () => {
  const handle = suite.cluster.client(0, { retries: 0 }).embedding('bad');
  const { hits } = await handle.search({ vector: new Float32Array([1, 2, 3, 4]), k: 10, path: 'flat' });
  expect(hits.map((hit) => hit.key)).toEqual(['kept']);
  expect(suite.cluster.processes.filter((process) => !process.running).map((process) => process.name)).toEqual([]);
});

async function send(method: string, path: string, body?: string | Uint8Array<ArrayBuffer> | ReadableStream, contentType = 'application/json', key = suite.cluster.rootKey): Promise<{ status: number; problem: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': contentType }) };
  const response = await fetch(`${suite.cluster.urls[0]}${path}`, { method, headers, ...(body === undefined ? {} : { body, duplex: 'half' as const }), signal: AbortSignal.timeout(30_000) });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  return { status: response.status, problem: (await response.json()) as Record<string, unknown> };
}

const VECTORS = '/v1/embeddings/bad/vectors';
const SEARCH = '/v1/embeddings/bad/search';
const write = (key: unknown, values: unknown) => JSON.stringify({ vectors: [{ key: 'fine', values: [1, 1, 1, 1] }, { key, values }] });
const raw = (values: string) => `{"vectors":[{"key":"fine","values":[1,1,1,1]},{"key":"x","values":${values}}]}`;
const search = (more: object) => JSON.stringify({ vector: [1, 2, 3, 4], k: 5, ...more });

describe('bad input is refused with code, field and limit', () => {
  it.each([
    ['a short vector', VECTORS, write('x', [1, 2, 3]), 'dimension_mismatch', 'vectors[1].values', DIM],
    ['a long vector', VECTORS, write('x', [1, 2, 3, 4, 5]), 'dimension_mismatch', 'vectors[1].values', DIM],
    ['null among the components, as JSON writes NaN', VECTORS, raw('[1,null,3,4]'), 'invalid_vector', 'vectors[1].values[1]', undefined],
    ['a number beyond float64', VECTORS, raw('[1,2,1e400,4]'), 'invalid_vector', 'vectors[1].values[2]', undefined],
    ['a number beyond float32', VECTORS, raw('[1,2,1e39,4]'), 'invalid_vector', 'vectors[1].values[2]', undefined],
    ['a zero vector under cosine', VECTORS, write('x', [0, 0, 0, 0]), 'zero_vector', 'vectors[1].values', undefined],
    ['an empty key', VECTORS, write('', [1, 2, 3, 4]), 'invalid_key', 'vectors[1].key', undefined],
    ['an over-long key', VECTORS, write('k'.repeat(LIMITS.keyBytes + 1), [1, 2, 3, 4]), 'invalid_key', 'vectors[1].key', LIMITS.keyBytes],
    ['k = 0', SEARCH, search({ k: 0 }), 'invalid_field', 'k', undefined],
    ['k over the limit', SEARCH, search({ k: LIMITS.k + 1 }), 'invalid_field', 'k', LIMITS.k],
    ['a negative ef', SEARCH, search({ ef: -1 }), 'invalid_field', 'ef', undefined],
    ['an ef over the limit', SEARCH, search({ ef: LIMITS.ef + 1 }), 'invalid_field', 'ef', LIMITS.ef],
    ['an unknown path', SEARCH, search({ path: 'fast' }), 'invalid_field', 'path', undefined],
    ['an unknown field', SEARCH, search({ top: 5 }), 'unknown_field', 'top', undefined],
    ['a query of the wrong dimension', SEARCH, search({ vector: [1] }), 'dimension_mismatch', 'vector', DIM],
    ['a receipt that is none', SEARCH, search({ after: { x: 1 } }), 'invalid_field', expect.stringMatching(/^after/), undefined],
  ])('%s', async (_name, path, body, errorCode, field, limit) => {
    const { status, problem } = await send('POST', path, body);
    expect(status).toBe(400);
    expect(problem).toMatchObject({ code: errorCode, field, retryable: false });
    if (limit !== undefined) {
      expect(problem['limit']).toBe(limit);
      expect(problem['detail']).toContain(String(limit));
    }
  });

  it.each([['{"vectors":['], ['{]'], [''], ['[]'], ['"text"'], ['null']])('malformed JSON %j', async (body) => {
    const { status } = await send('POST', VECTORS, body);
    expect(status).toBe(400);
  });

  it('an unknown embedding', async () => {
    expect(await send('POST', '/v1/embeddings/nowhere/search', search({}))).toMatchObject({ status: 404, problem: { code: 'embedding_not_found' } });
  });

  it('a missing and a wrong key', async () => {
    expect(await send('GET', '/v1/embeddings', undefined, undefined, 'wrong')).toMatchObject({ status: 401, problem: { code: 'unauthorized' } });
  });

  it('binary bodies cut anywhere or altered', async () => {
    const whole = encodeVectorBody([{ key: 'x' as VectorKey, values: new Float32Array([1, 2, 3, 4]) }], DIM);
    for (let length = 0; length < whole.length; length += 3) {
      expect((await send('POST', VECTORS, Buffer.from(whole.subarray(0, length)), VECTOR_BODY_MEDIA_TYPE)).status).toBe(400);
    }
    const altered = Buffer.from(whole);
    altered[20] = (altered[20] ?? 0) ^ 1;
    expect(await send('POST', VECTORS, altered, VECTOR_BODY_MEDIA_TYPE)).toMatchObject({ status: 400, problem: { code: 'malformed_body' } });
  });

  it('a body of 100 MB, announced or streamed', async () => {
    const size = 100 * 1024 * 1024;
    const announced = await send('POST', VECTORS, Buffer.alloc(size, 0x20));
    expect(announced).toMatchObject({ status: 413, problem: { code: 'body_too_large', limit: LIMITS.bodyBytes } });
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024 * 1024;
        if (sent > size) controller.close();
        else controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      },
    });
    expect(await send('POST', VECTORS, stream)).toMatchObject({ status: 413, problem: { code: 'body_too_large', limit: LIMITS.bodyBytes } });
  });
});

describe('a corrupt message injected into the stream', () => {
  it('is set aside and counted, and the slot goes on', async () => {
    const at = { code: parseEmbeddingCode(code), partition: parsePartition(0) };
    const slot = slotOf(at.code, at.partition, SLOTS);
    const setAsideCount = async () => {
      const { shards } = await suite.cluster.client().cluster();
      return shards.flatMap((shard) => shard.slots).find((status) => status.slot === slot)?.setAsideCount ?? 0;
    };
    const before = await setAsideCount();
    const connection = await connect({ servers: suite.nats.url });
    for (const payload of ['garbage', '', 'SHOAL'.repeat(100)]) await connection.request(SUBJECTS.mutation({ slot, ...at }), payload);
    await connection.close();
    const handle = suite.cluster.client().embedding('bad');
    await handle.upsert([{ key: 'after', values: new Float32Array([4, 3, 2, 1]) }], { wait: 'applied' });
    await expect.poll(setAsideCount, { timeout: 5_000 }).toBe(before + 3);
    const { receipt } = await handle.delete(['after'], { wait: 'applied' });
    expect(Object.keys(receipt)).toEqual([String(slot)]);
  });
});
