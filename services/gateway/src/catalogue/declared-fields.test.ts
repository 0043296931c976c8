import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShoalError, type AliasList, type CountResponse, type EmbeddingDescription, type WriteResponse } from '@shoal/protocol';
import type { Gateway } from '../gateway.ts';
import { GatewayFixture, call, startTestGateway } from '../testing/gateway-fixture.ts';

let fixture: GatewayFixture;
let other: Gateway;

beforeEach(async () => {
  fixture = await GatewayFixture.start(4);
  other = await startTestGateway(fixture.bus);
  await fixture.call('POST', '/v1/embeddings', { name: 'e', model: 'm', dim: 2, distance: 'l2', partitions: 3, fields: { colour: 'keyword' } });
  await fixture.call('POST', '/v1/embeddings/e/vectors', { wait: 'applied', vectors: ['a', 'b', 'c', 'd'].map((key, year) => ({ key, values: [year, 1], payload: { colour: 'red', year } })) });
});

afterEach(async () => {
  await other.close();
  await fixture.close();
});

const countBy = (gateway: { readonly url: string }, filter: unknown) => call(gateway, 'POST', '/v1/embeddings/e/count', { filter });

describe('declared fields', () => {
  it('are the same on every registration, or a conflict names the field', async () => {
    const registration = { model: 'm', dim: 2, distance: 'l2' };
    expect((await fixture.call('POST', '/v1/embeddings', registration)).json<EmbeddingDescription>().fields).toEqual({ colour: 'keyword' });
    expect((await fixture.call('POST', '/v1/embeddings', { ...registration, fields: { colour: 'keyword' } })).status).toBe(200);
    expect((await fixture.call('POST', '/v1/embeddings', { ...registration, fields: { year: 'integer' } })).json()).toMatchObject({ code: 'spec_conflict', field: 'fields.year' });
  });

  it('that a gateway left half declared are declared by whoever needs them', async () => {
    fixture.bus.log.refuse = new ShoalError('log_unavailable', 'The log is away.');
    expect((await fixture.call('POST', '/v1/embeddings/e/fields', { fields: { year: 'integer' } })).status).toBe(503);
    expect((await countBy(other, { field: 'year', range: { gte: 2 } })).status).toBe(503);
    fixture.bus.log.refuse = undefined;
    for (const gateway of [other, fixture.gateway]) expect((await countBy(gateway, { field: 'year', range: { gte: 2 } })).json<CountResponse>()).toEqual({ count: 2 });
    expect((await call(other, 'GET', '/v1/embeddings/e')).json<EmbeddingDescription>().fields).toEqual({ colour: 'keyword', year: 'integer' });
  });

  it('are found in the registry by a gateway that has not heard of them', async () => {
    await fixture.call('POST', '/v1/embeddings/e/fields', { fields: { year: 'integer' } });
    expect((await countBy(other, { field: 'year', equals: 1 })).json<CountResponse>()).toEqual({ count: 1 });
    expect((await countBy(other, { field: 'size', equals: 1 })).json()).toMatchObject({ status: 400, code: 'field_not_declared' });
  });
});

describe('a delete by filter', () => {
  it('tells how many, and is refused with keys beside it or nothing', async () => {
    const path = '/v1/embeddings/e/delete';
    expect((await fixture.call('POST', path, { filter: { field: 'colour', equals: 'red' }, keys: ['a'] })).json()).toMatchObject({ code: 'invalid_field', field: 'filter' });
    expect((await fixture.call('POST', path, {})).json()).toMatchObject({ code: 'missing_field', field: 'keys' });
    expect((await fixture.call('POST', path, { filter: { key_in: ['a', 'x', 'c'] }, wait: 'applied' })).json<WriteResponse>()).toMatchObject({ deleted: 2 });
    expect((await fixture.call('POST', '/v1/embeddings/e/count', {})).json<CountResponse>()).toEqual({ count: 2 });
  });
});

describe('an alias', () => {
  it('of a dropped embedding is none, and its name is free', async () => {
    await fixture.call('POST', '/v1/embeddings', { name: 'old', model: 'o', dim: 2, distance: 'l2' });
    expect((await fixture.call('PUT', '/v1/aliases/live', { embedding: 'old' })).status).toBe(200);
    expect((await fixture.call('PUT', '/v1/aliases/live', { embedding: 'nobody' })).status).toBe(404);
    expect((await fixture.call('PUT', '/v1/aliases/Not%20a%20name', { embedding: 'old' })).json()).toMatchObject({ code: 'invalid_field', field: 'alias' });
    expect((await fixture.call('DELETE', '/v1/embeddings/old')).status).toBe(204);
    expect((await fixture.call('GET', '/v1/embeddings/live')).status).toBe(404);
    expect((await fixture.call('GET', '/v1/aliases')).json<AliasList>()).toEqual({ aliases: [] });
    expect((await fixture.call('POST', '/v1/embeddings', { name: 'live', model: 'l', dim: 2, distance: 'l2' })).status).toBe(201);
    expect((await fixture.call('PUT', '/v1/aliases/live', { embedding: 'e' })).json()).toMatchObject({ code: 'name_taken' });
  });

  it('can be set by another gateway after it was deleted here', async () => {
    for (let round = 0; round < 3; round += 1) {
      expect((await call(other, 'PUT', '/v1/aliases/live', { embedding: 'e' })).status).toBe(200);
      await expect.poll(async () => (await fixture.call('GET', '/v1/embeddings/live')).status, { timeout: 20_000 }).toBe(200);
      expect((await fixture.call('DELETE', '/v1/aliases/live')).status).toBe(204);
      expect((await fixture.call('GET', '/v1/embeddings/live')).status).toBe(404);
    }
  });
});
