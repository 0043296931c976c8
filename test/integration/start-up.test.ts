import { createServer } from 'node:net';
import { freePort } from '@shoal/bus/nats-server';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { ServiceProcess } from '../harness/service-process.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-start-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function outputOfFailedStart(environment: Readonly<Record<string, string>>): Promise<string> {
  const process = new ServiceProcess('node', 'node', environment);
  process.start();
  expect(await process.ended(20_000)).toBe(1);
  return process.output.trim();
}

describe('the embedded node', () => {
  it('says in one sentence that the port is taken', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const output = await outputOfFailedStart({ SHOAL_HTTP_PORT: String(port), SHOAL_DATA_DIR: directory });
    server.close();
    expect(output.split('\n').length).toBe(1);
    expect(output).toMatch(new RegExp(`${port}.*\\(port_in_use\\)$`));
  });

  it('says in one sentence that the directory cannot be used', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    for (const unusable of [file, join(file, 'below')]) {
      const output = await outputOfFailedStart({ SHOAL_HTTP_PORT: String(await freePort()), SHOAL_DATA_DIR: unusable });
      expect(output.split('\n').length).toBe(1);
      expect(output).toMatch(/file.*\(directory_unusable\)$/);
    }
  });

  it('says in one sentence that another process uses the directory, and disturbs neither it nor its data', async () => {
    const node = await EmbeddedProcess.start();
    try {
      const { handle } = await node.client().register({ model: 'm', dim: 2, distance: 'l2' });
      await handle.upsert([{ key: 'a', values: new Float32Array([1, 2]) }]);
      const output = await outputOfFailedStart({ SHOAL_HTTP_PORT: String(await freePort()), SHOAL_DATA_DIR: node.directory });
      expect(output.split('\n').length).toBe(1);
      expect(output).toMatch(/\(directory_locked\)$/);
      expect((await handle.get('a'))?.values).toEqual(new Float32Array([1, 2]));
    } finally {
      await node.close();
    }
  });

  it('says in one sentence which setting is wrong', async () => {
    expect(await outputOfFailedStart({ SHOAL_HTTP_PORT: 'seven', SHOAL_DATA_DIR: directory })).toMatch(/^shoal: SHOAL_HTTP_PORT .*\(invalid_configuration\)$/);
  });

  it('ends with code 0 on SIGTERM and keeps everything for the next start', async () => {
    const node = await EmbeddedProcess.start();
    try {
      const { handle } = await node.client().register({ model: 'kept', dim: 3, distance: 'cosine' });
      const { receipt } = await handle.upsert([{ key: 'a', values: new Float32Array([1, 2, 3]), payload: { colour: 'red' } }]);
      expect(await node.process.end('SIGTERM')).toBe(0);
      await node.restart();
      const { hits } = await handle.search({ vector: new Float32Array([1, 2, 3]), k: 1, after: receipt, include: ['values', 'payload'] });
      expect(hits).toEqual([{ key: 'a', distance: expect.closeTo(0, 5) as number, values: new Float32Array([1, 2, 3]), payload: { colour: 'red' } }]);
    } finally {
      await node.close();
    }
  });
});
