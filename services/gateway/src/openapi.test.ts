import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_REGISTRY, ROUTES } from '@shoal/protocol';
import { GatewayFixture } from './testing/gateway-fixture.ts';

interface OpenApi {
  readonly openapi: string;
  readonly servers: readonly object[];
  readonly tags: readonly { readonly name: string }[];
  readonly components: { readonly schemas: { readonly [name: string]: { readonly properties: { readonly [member: string]: unknown } } } };
  readonly paths: { readonly [path: string]: { readonly [method: string]: { readonly operationId: string; readonly tags?: readonly string[]; readonly security?: readonly object[]; readonly requestBody?: { readonly content: object }; readonly parameters?: readonly { readonly name: string; readonly in: string }[] } } };
}

let fixture: GatewayFixture;
let document: OpenApi;
beforeAll(async () => {
  fixture = await GatewayFixture.start();
  const response = await fetch(`${fixture.gateway.url}/openapi.json`);
  document = (await response.json()) as OpenApi;
});
afterAll(() => fixture.close());

describe('openapi.json', () => {
  it('lists every route, and nothing else', () => {
    expect(document.openapi).toBe('3.1.0');
    const listed = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    const expected = Object.values(ROUTES).map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    expect(listed.filter((route) => !route.startsWith('HEAD ')).sort()).toEqual(expected.sort());
  });

  it('says shared schemas once, refers only to what is there, and names every tag', () => {
    const text = JSON.stringify(document);
    const refs = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? ''));
    const { schemas } = document.components;
    expect([...refs].filter((name) => !Object.hasOwn(schemas, name))).toEqual([]);
    expect([...refs]).toEqual(expect.arrayContaining(['Problem', 'Embedding', 'Receipt', 'Hit']));
    expect(text.split('"urn:shoal:error:dimension_mismatch"').length).toBe(2);
    expect(schemas['Problem']?.properties['code']).toMatchObject({ enum: Object.keys(ERROR_REGISTRY) });
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const used = new Set(operations.flatMap(({ tags }) => tags ?? []));
    expect([...used].filter((tag) => !document.tags.some(({ name }) => name === tag))).toEqual([]);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(document.servers).toMatchObject([{ url: '/' }]);
  });

  it('tells the forms of a write, the parameters of a read, and which routes are open', () => {
    const write = document.paths['/v1/embeddings/{name}/vectors']?.['post'];
    expect(Object.keys(write?.requestBody?.content ?? {})).toEqual(['application/json', 'application/x-ndjson', 'application/vnd.shoal.vectors']);
    expect(write?.parameters?.map(({ name }) => name).sort()).toEqual(['idempotency-key', 'mode', 'name', 'timeoutMs', 'wait']);
    expect(document.paths['/v1/embeddings/{name}/vectors/{key}']?.['get']?.parameters?.map(({ name }) => name).sort()).toEqual(['after', 'key', 'name', 'timeoutMs']);
    expect(document.paths['/healthz']?.['get']?.security).toEqual([]);
    expect(document.paths['/v1/cluster']?.['get']?.security).toBeUndefined();
  });
});
