import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddingDescription, EmbeddingListResponse, EmbeddingResponse, SearchResponse, VectorResponse, WriteResponse } from '@shoal/protocol';
import { GatewayFixture } from './testing/gateway-fixture.ts';

let fixture: GatewayFixture;
beforeAll(async () => {
  fixture = await GatewayFixture.start();
});
afterAll(() => fixture.close());

describe('the gateway', () => {
  it('registers, writes, searches, reads and drops', async () => {
    const registered = await fixture.call('POST', '/v1/embeddings', { name: 'first', model: 'm', dim: 3, distance: 'l2', partitions: 4 });
    expect(registered.text).toContain('"first"');
    expect(registered.status).toBe(201);
    const written = await fixture.call('POST', '/v1/embeddings/first/vectors', {
      vectors: [{ key: 'a', values: [1, 0, 0] }, { key: 'b', values: [0, 1, 0], payload: { x: 1 } }, { key: 'c', values: [0, 0, 1] }], wait: 'applied',
    });
    expect(written.text).toContain('outcomes');
    const found = await fixture.call('POST', '/v1/embeddings/first/search', { vector: [0.9, 0.1, 0], k: 2, include: ['values', 'payload'], after: written.json<WriteResponse>().receipt });
    expect(found.json<SearchResponse>().results).toMatchObject([{ key: 'a', values: [1, 0, 0] }, { key: 'b', payload: { x: 1 } }]);
    const read = await fixture.call('GET', '/v1/embeddings/first/vectors/b');
    expect(read.json<VectorResponse>()).toMatchObject({ key: 'b', values: [0, 1, 0], payload: { x: 1 } });
    expect((await fixture.call('GET', '/v1/embeddings/first')).json<EmbeddingResponse>().stats.vectorCount).toBe(3);
    expect((await fixture.call('GET', '/v1/embeddings')).json<EmbeddingListResponse>().embeddings.map(({ name }: EmbeddingDescription) => name)).toEqual(['first']);
    expect((await fixture.call('DELETE', '/v1/embeddings/first')).status).toBe(204);
    expect((await fixture.call('GET', '/v1/embeddings/first')).status).toBe(404);
  });
});
