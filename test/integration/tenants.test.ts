import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '@shoal/cli';
import { ShoalClient, type KeyDescription, type TenantResponse } from '@shoal/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';

let node: EmbeddedProcess;
let directory: string;

beforeAll(async () => {
  node = await EmbeddedProcess.start();
  directory = await mkdtemp(join(tmpdir(), 'shoal-tenants-'));
});

afterAll(async () => {
  await node?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Runs one command line with the root key. */
async function run(...words: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(words, {
    stdout: { write: (text) => void (out += text), terminal: undefined },
    stderr: { write: (text) => void (err += text), terminal: undefined },
    workingDirectory: directory, url: node.url, apiKey: node.rootKey, childEnvironment: {}, nowMs: Date.now, interrupt: new AbortController().signal,
  });
  return { code, out, err };
}

/** The output of a command that succeeds. */
async function shoal(...words: string[]): Promise<string> {
  const { code, out, err } = await run(...words);
  expect(err).toBe('');
  expect(code).toBe(0);
  return out;
}

interface Article {
  readonly title: string;
}

it('a tenant lives from its creation on the command line to its deletion, restarts included', async () => {
  await shoal('tenant', 'create', 'acme', '--vectors', '1000', '--requests-per-second', '500');
  const key = (await shoal('key', 'create', '--tenant', 'acme', '--role', 'write', '--name', 'indexer')).trim();
  const client = new ShoalClient({ url: node.url, apiKey: key });
  const { handle } = await client.register<Article>({ name: 'articles', model: 'm', dim: 2, distance: 'l2' });
  const { receipt } = await handle.upsert([{ key: 'a', values: [1, 2], payload: { title: 'A' } }], { idempotencyKey: 'first' });
  const { hits } = await handle.search({ vector: [1, 2], k: 1, after: receipt, include: ['payload'] });
  expect(hits[0]?.payload?.title).toBe('A');
  await expect(client.keys.list()).rejects.toMatchObject({ code: 'forbidden' });
  expect((await client.limits()).quotas).toEqual({ vectors: 1_000, requestsPerSecond: 500 });
  const root = new ShoalClient({ url: node.url, apiKey: node.rootKey });
  expect(await root.embeddings()).toEqual([]);
  expect((await new ShoalClient({ url: node.url, apiKey: node.rootKey, tenant: 'acme' }).embeddings()).map(({ name }) => name)).toEqual(['articles']);

  expect(await node.process.end('SIGTERM')).toBe(0);
  await node.restart();
  expect((await client.embeddings()).length).toBe(1);
  const usage = await root.tenants.usage('acme');
  expect(usage).toMatchObject({ vectorsWritten: 1, stored: { embeddings: 1, vectors: 1 } });
  expect(usage.requests).toBeGreaterThanOrEqual(4);
  expect(await shoal('tenant', 'usage', 'acme')).toContain('acme has 1 embeddings, 1 vectors');

  const listed = JSON.parse(await shoal('key', 'list', '--tenant', 'acme', '--json')) as KeyDescription[];
  expect(listed.map(({ name }) => name)).toEqual(['indexer']);
  await shoal('key', 'revoke', '--tenant', 'acme', listed[0]?.id ?? '');
  await expect(client.embeddings()).rejects.toMatchObject({ code: 'unauthorized' });
  const updated = JSON.parse(await shoal('tenant', 'update', 'acme', '--vectors', 'none', '--json')) as TenantResponse;
  expect(updated.quotas).toEqual({ requestsPerSecond: 500 });
  expect(await shoal('tenant', 'audit', 'acme')).toMatch(/key\.revoke[\s\S]*embedding\.register[\s\S]*key\.create/);
  expect(await run('tenant', 'delete', 'acme')).toMatchObject({ code: 1, err: expect.stringMatching(/acme has 1 embeddings with 1 vectors.*--yes/) });
  expect(await shoal('tenant', 'list')).toContain('acme');
  await shoal('tenant', 'delete', 'acme', '--yes');
  expect(await shoal('tenant', 'list')).not.toContain('acme');
  expect((await root.tenants.auditOfAll()).map(({ act }) => act)).toEqual(['tenant.delete', 'tenant.update', 'tenant.create']);
});
