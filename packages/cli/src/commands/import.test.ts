import { ShoalClient } from '@shoal/client';
import { startFakeShoal, type FakeShoal } from '@shoal/client/testing';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSystem } from '../testing/test-system.ts';

let fake: FakeShoal;
let shoal: TestSystem;
beforeEach(async () => {
  fake = await startFakeShoal();
  shoal = await TestSystem.create();
  shoal.url = fake.url;
  await new ShoalClient({ url: fake.url }).register({ name: 'e', model: 'm', dim: 2, distance: 'l2' });
});
afterEach(async () => {
  await fake.close();
  await shoal.remove();
});

test('an import maps columns, reports rejected rows and prints a receipt', async () => {
  await shoal.write('a.csv', Buffer.from('id,x,y,colour\n1,0.5,1,red\n2,oops,1,blue\n3,2,3,green\n'));
  expect(await shoal.run('import', 'a.csv', '--embedding', 'e', '--key-column', 'id', '--vector-columns', 'x,y', '--payload-columns', 'colour')).toBe(0);
  expect(shoal.out).toMatch(/^2 vectors in and searchable/);
  expect(shoal.out).toContain('1 rows rejected');
  const report = (await readFile(join(shoal.directory, 'rejected.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
  expect(report).toMatchObject([{ file: join(shoal.directory, 'a.csv'), row: 1, line: 3, code: 'invalid_vector' }]);
  const handle = new ShoalClient({ url: fake.url }).embedding('e');
  expect(await handle.get('3')).toMatchObject({ payload: { colour: 'green' }, values: Float32Array.of(2, 3) });
  expect(await handle.get('2')).toBeUndefined();
});

test('a file that is not there and an embedding that is not there are told of in one sentence', async () => {
  expect(await shoal.run('import', 'none.csv', '--embedding', 'e')).toBe(1);
  expect(shoal.err).toMatch(/none\.csv: there is no such file.*\(source_invalid\)/);
  await shoal.write('a.jsonl', Buffer.from('{"values":[1,2]}\n'));
  expect(await shoal.run('import', 'a.jsonl', '--embedding', 'none')).toBe(1);
  expect(shoal.err).toMatch(/embedding_not_found/);
});

test('addresses are read here with --local', async () => {
  const http = createServer((request, response) => {
    const bytes = Buffer.from('{"key":"a","values":[1,2]}\n{"key":"b","values":[1]}\n');
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${bytes.length}` }).end(bytes.subarray(Number(first), Number(last) + 1));
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  try {
    const address = `http://127.0.0.1:${(http.address() as AddressInfo).port}/a.jsonl`;
    expect(await shoal.run('import', address, '--embedding', 'e', '--local')).toBe(0);
    expect(shoal.out).toMatch(/^1 vectors in and searchable/);
  } finally {
    http.close();
  }
});
