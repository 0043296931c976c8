import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '@shoal/protocol';
import { GatewayFixture } from './testing/gateway-fixture.ts';

interface OpenApi {
  readonly openapi: string;
  readonly paths: { readonly [path: string]: { readonly [method: string]: { readonly operationId: string; readonly security?: readonly object[]; readonly requestBody?: { readonly content: object }; readonly parameters?: readonly { readonly name: string; readonly in: string }[] } } };
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

  it('tells the forms of a write, the parameters of a read, and which routes are open', () => {
    const write = document.paths['/v1/embeddings/{name}/vectors']?.['post'];
    expect(Object.keys(write?.requestBody?.content ?? {})).toEqual(['application/json', 'application/x-ndjson', 'application/vnd.shoal.vectors']);
    expect(write?.parameters?.map(({ name }) => name).sort()).toEqual(['idempotency-key', 'mode', 'name', 'timeoutMs', 'wait']);
    expect(document.paths['/v1/embeddings/{name}/vectors/{key}']?.['get']?.parameters?.map(({ name }) => name).sort()).toEqual(['after', 'key', 'name', 'timeoutMs']);
    expect(document.paths['/healthz']?.['get']?.security).toEqual([]);
    expect(document.paths['/v1/cluster']?.['get']?.security).toBeUndefined();
  });
});
