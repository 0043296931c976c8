import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  LIMITS, ShoalError, VECTOR_BODY_MEDIA_TYPE, decodeMutation, encodeVectorBody, parseEmbeddingCode, partitionOf, parseVectorKey, slotOf,
  type VectorResponse, type WriteResponse,
} from '@shoal/protocol';
import { GatewayFixture } from '../testing/gateway-fixture.ts';

const SLOTS = 8;
const PARTITIONS = 4;
const PATH = '/v1/embeddings/points/vectors';
const code = parseEmbeddingCode(1);

let fixture: GatewayFixture;
beforeAll(async () => {
  fixture = await GatewayFixture.start(SLOTS);
  await fixture.call('POST', '/v1/embeddings', { name: 'points', model: 'm', dim: 2, distance: 'l2', partitions: PARTITIONS });
});
afterAll(() => fixture.close());
afterEach(() => {
  fixture.bus.log.refuse = undefined;
  fixture.shard.failures.clear();
  fixture.shard.resume();
});

const write = (body: object, query = '') => fixture.call('POST', PATH + query, body);
const outcomesOf = (answer: { json<T>(): T }) => answer.json<WriteResponse>().outcomes?.map(({ key, outcome }) => `${key} ${outcome}`);
const slotOfKey = (key: string) => slotOf(code, partitionOf(parseVectorKey(key), PARTITIONS), SLOTS);

describe('a write', () => {
  it('returns, for every slot that it reached, the last sequence there', async () => {
    const keys = Array.from({ length: 50 }, (_, index) => `receipt ${index}`);
    const before = fixture.bus.log.messages.length;
    const { accepted, receipt, outcomes } = (await write({ vectors: keys.map((key) => ({ key, values: [1, 2] })) })).json<WriteResponse>();
    const expected: Record<string, number> = {};
    for (const { slot, sequence } of fixture.bus.log.messages.slice(before)) expected[slot] = sequence;
    expect({ accepted, receipt, outcomes }).toEqual({ accepted: 50, receipt: expected, outcomes: undefined });
    expect(new Set(Object.keys(receipt))).toEqual(new Set(keys.map((key) => `${slotOfKey(key)}`)));
  });

  it('returns the outcome of every item, in the order of the request', async () => {
    const a = { key: 'o/a', values: [1, 2] };
    const b = { key: 'o/b', values: [3, 4] };
    const c = { key: 'o/c', values: [5, 6] };
    expect(outcomesOf(await write({ vectors: [a, b], wait: 'applied' }))).toEqual(['o/a created', 'o/b created']);
    expect(outcomesOf(await write({ vectors: [c, b, a], wait: 'applied' }))).toEqual(['o/c created', 'o/b replaced', 'o/a replaced']);
    expect(outcomesOf(await write({ vectors: [c, { key: 'o/d', values: [7, 8] }], mode: 'insert', wait: 'applied' }))).toEqual(['o/c exists', 'o/d created']);
    expect(outcomesOf(await fixture.call('POST', '/v1/embeddings/points/delete', { keys: ['o/d', 'nobody', 'o/d'], wait: 'applied' }))).toEqual(['o/d deleted', 'nobody absent', 'o/d absent']);
    expect(outcomesOf(await fixture.call('DELETE', `${PATH}/o%2Fc?wait=applied`))).toEqual(['o/c deleted']);
    expect(outcomesOf(await fixture.call('DELETE', `${PATH}/o%2Fc?wait=applied`))).toEqual(['o/c absent']);
  });

  it('counts among those that wait until it is applied', async () => {
    const waiting = async (stage: string): Promise<string | undefined> => (
      new RegExp(`^shoal_gateway_writes_waiting\\{[^}]*shoal_write_stage="${stage}"[^}]*\\} (\\d+)`, 'm').exec((await fixture.call('GET', '/metrics')).text)?.[1]);
    expect([await waiting('log'), await waiting('applied')]).toEqual(['0', '0']);
    fixture.shard.paused = true;
    const written = write({ vectors: [{ key: 'waits', values: [1, 2] }], wait: 'applied' });
    await vi.waitFor(async () => expect([await waiting('log'), await waiting('applied')]).toEqual(['0', '1']), { timeout: 20_000 });
    fixture.shard.resume();
    expect((await written).status).toBe(200);
    expect(await waiting('applied')).toBe('0');
  });

  it('keeps the order of items with the same key', async () => {
    const { outcomes } = (await write({ vectors: [{ key: 'twice', values: [1, 1] }, { key: 'twice', values: [2, 2] }], wait: 'applied' })).json<WriteResponse>();
    expect(outcomes?.map(({ outcome }) => outcome)).toEqual(['created', 'replaced']);
    expect((await fixture.call('GET', `${PATH}/twice`)).json<VectorResponse>().values).toEqual([2, 2]);
  });

  it('takes JSON, lines and the binary form alike', async () => {
    const vectors = [{ key: 'form é', values: Float32Array.of(0.5, -1), payload: { n: 1, text: 'π' } }, { key: 'form 2', values: Float32Array.of(2, 3) }];
    const rows = vectors.map(({ values, ...rest }) => ({ ...rest, values: [...values] }));
    const forms: readonly (readonly [string, unknown, string])[] = [
      ['application/json; charset=utf-8', { vectors: rows }, ''],
      ['application/x-ndjson', rows.map((row) => JSON.stringify(row)).join('\n') + '\n', '?wait=applied'],
      [VECTOR_BODY_MEDIA_TYPE, encodeVectorBody(vectors.map(({ payload, ...rest }) => ({ ...rest, ...(payload ? { payload: Buffer.from(JSON.stringify(payload)) } : {}) })), 2), '?wait=applied&mode=upsert'],
    ];
    for (const [contentType, body, query] of forms) {
      await fixture.call('POST', '/v1/embeddings/points/delete', { keys: rows.map(({ key }) => key), wait: 'applied' });
      const answer = await fixture.call('POST', PATH + query, body, { 'content-type': contentType });
      const { receipt } = answer.json<WriteResponse>();
      if (query !== '') expect(outcomesOf(answer), contentType).toEqual(['form é created', 'form 2 created']);
      for (const row of rows) {
        const read = await fixture.call('GET', `${PATH}/${encodeURIComponent(row.key)}?after=${encodeURIComponent(JSON.stringify(receipt))}`);
        expect(read.json<VectorResponse>(), contentType).toMatchObject(row);
      }
    }
  });

  it('takes every key up to the limit, in bodies and in paths', async () => {
    const keys = ['a/b', 'a%2Fb', '?#&=+ ', '"\\', '日本', 'x'.repeat(LIMITS.keyBytes), 'é'.repeat(LIMITS.keyBytes / 2), '__proto__', '\u0000'];
    await write({ vectors: keys.map((key) => ({ key, values: [1, 2] })), wait: 'applied' });
    for (const key of keys) {
      expect((await fixture.call('GET', `${PATH}/${encodeURIComponent(key)}`)).json<VectorResponse>().key).toBe(key);
      expect(outcomesOf(await fixture.call('DELETE', `${PATH}/${encodeURIComponent(key)}?wait=applied`))).toEqual([`${key} deleted`]);
    }
  });

  it('is cut into messages that the log takes', async () => {
    const before = fixture.bus.log.messages.length;
    const vectors = Array.from({ length: 9_000 }, (_, index) => ({ key: `many ${index}`, values: [index, 0] }));
    const { outcomes } = (await write({ vectors, wait: 'applied' })).json<WriteResponse>();
    expect(outcomes?.map(({ key }) => key)).toEqual(vectors.map(({ key }) => key));
    const messages = fixture.bus.log.messages.slice(before);
    expect(messages.length).toBeGreaterThan(PARTITIONS);
    for (const { bytes, slot } of messages) {
      expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.mutationBytes);
      const mutation = decodeMutation(bytes);
      expect(mutation.type === 'write' && mutation.operations.length <= LIMITS.mutationOperations).toBe(true);
      expect(slot).toBe(slotOf(mutation.code, mutation.partition, SLOTS));
    }
    await fixture.call('POST', '/v1/embeddings/points/delete', { keys: vectors.map(({ key }) => key), wait: 'applied' });
  });
});

describe('a write that fails', () => {
  it('says that the log did not take it', async () => {
    fixture.bus.log.refuse = new ShoalError('log_unavailable', 'Not durable in time.');
    const answer = await write({ vectors: [{ key: 'x', values: [1, 2] }] });
    expect(answer.json()).toMatchObject({ code: 'log_unavailable', status: 503, retryable: true });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.json()).not.toHaveProperty('receipt');
  });

  it('to be applied in time is logged all the same, and gives its receipt', async () => {
    fixture.shard.paused = true;
    const answer = await write({ vectors: [{ key: 'slow', values: [1, 2] }], wait: 'applied' }, '?timeoutMs=100');
    const problem = answer.json<{ code: string; detail: string; receipt: WriteResponse['receipt'] }>();
    expect(problem).toMatchObject({ code: 'receipt_timeout', status: 504 });
    expect(problem.detail).toContain('logged');
    expect(problem.receipt).toEqual({ [slotOfKey('slow')]: fixture.bus.log.messages.length });
    fixture.shard.resume();
    const read = await fixture.call('GET', `${PATH}/slow?after=${encodeURIComponent(JSON.stringify(problem.receipt))}`);
    expect(read.json<VectorResponse>().values).toEqual([1, 2]);
  });

  it('waits for a shard that comes back in time', async () => {
    const slot = slotOfKey('patient');
    await (await fixture.shard.serve(slot)).close();
    const waiting = write({ vectors: [{ key: 'patient', values: [1, 2] }], wait: 'applied' });
    await expect.poll(() => fixture.bus.requests.requestCounts.get(`shoal.q.${slot}`), { interval: 2 }).toBeGreaterThan(1);
    await fixture.shard.serve(slot);
    expect(outcomesOf(await waiting)).toEqual(['patient created']);
  });

  it('times out with its receipt when no shard comes back', async () => {
    const slot = slotOfKey('alone');
    await (await fixture.shard.serve(slot)).close();
    const answer = await write({ vectors: [{ key: 'alone', values: [1, 2] }], wait: 'applied' }, '?timeoutMs=150');
    await fixture.shard.serve(slot);
    expect(answer.json()).toMatchObject({ code: 'receipt_timeout', receipt: { [slot]: fixture.bus.log.messages.length } });
  });

  it('because the embedding was dropped meanwhile says so', async () => {
    await fixture.call('POST', '/v1/embeddings', { name: 'brief', model: 'brief', dim: 2, distance: 'l2' });
    await expect.poll(() => fixture.shard.partitions.has('2.0')).toBe(true);
    const partition = fixture.shard.partitions.get('2.0');
    if (partition !== undefined) partition.dropped = true;
    const answer = await fixture.call('POST', '/v1/embeddings/brief/vectors', { vectors: [{ key: 'x', values: [1, 2] }], wait: 'applied' });
    expect(answer.json()).toMatchObject({ code: 'embedding_dropped', status: 410, retryable: false });
  });

  it('that does not fit into the memory of a shard says so, with its receipt, and others go on', async () => {
    await fixture.call('POST', '/v1/embeddings', { name: 'full', model: 'full', dim: 2, distance: 'l2' });
    const write = (keys: readonly string[]) => fixture.call('POST', '/v1/embeddings/full/vectors', { vectors: keys.map((key) => ({ key, values: [1, 2] })), wait: 'applied' });
    expect((await write(['a', 'b'])).status).toBe(200);
    const { code } = (await fixture.call('GET', '/v1/embeddings/full')).json<{ code: string }>();
    const partition = fixture.shard.partitions.get(`${code}.0`);
    if (partition === undefined) throw new Error('the shard has no such partition');
    partition.vectorsMax = 3;
    const answer = await write(['c', 'd']);
    expect(answer.json()).toMatchObject({ code: 'engine_memory_full', status: 507, retryable: false, detail: expect.stringContaining('2 of 2 vectors') as unknown, receipt: expect.anything() as unknown });
    expect((await write(['e'])).status).toBe(200);
  });
});

describe('an embedding with more partitions in a slot than one query message holds', () => {
  it('tells the outcome of every item of a write, and counts all of its partitions', async () => {
    const narrow = await GatewayFixture.start(1);
    try {
      await narrow.call('POST', '/v1/embeddings', { name: 'wide', model: 'm', dim: 2, distance: 'l2', partitions: LIMITS.searchesPerMessage * 2 + 3 });
      const vectors = Array.from({ length: 1_000 }, (_, index) => ({ key: `k${index}`, values: [index, 1] }));
      const answer = await narrow.call('POST', '/v1/embeddings/wide/vectors', { vectors, wait: 'applied' });
      expect(answer.status).toBe(200);
      expect(answer.json<WriteResponse>().outcomes).toEqual(vectors.map(({ key }) => ({ key, outcome: 'created' })));
      const description = (await narrow.call('GET', '/v1/embeddings/wide')).json<{ stats: { vectorCount: number }; statsComplete?: boolean }>();
      expect([description.stats.vectorCount, description.statsComplete]).toEqual([1_000, undefined]);
    } finally {
      await narrow.close();
    }
  });
});
