import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourceFiles } from './open-sources.ts';

const OBJECTS = new Map([['in/a.jsonl', Buffer.from('0123456789')], ['in/b.csv', Buffer.from('key,values\n')], ['in/notes.txt', Buffer.from('x')]]);
let server: Server;
let endpoint = '';
const signatures: string[] = [];

/** The part of the S3 protocol that imports use: HEAD, GET with a range, and ListObjectsV2. */
beforeAll(async () => {
  server = createServer((request, response) => {
    signatures.push(request.headers.authorization ?? '');
    const url = new URL(request.url ?? '', 'http://s3');
    if (url.searchParams.has('list-type')) {
      const contents = [...OBJECTS].map(([key, bytes]) => `<Contents><Key>${key}</Key><Size>${bytes.length}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag></Contents>`).join('');
      response.setHeader('content-type', 'application/xml');
      response.end(`<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
      return;
    }
    const bytes = OBJECTS.get(url.pathname.replace(/^\/bucket\//, ''));
    if (bytes === undefined) {
      response.writeHead(404).end();
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const part = first === undefined ? bytes : bytes.subarray(Number(first), Number(last) + 1);
    response.writeHead(first === undefined ? 200 : 206, { etag: '"e"', 'content-length': part.length }).end(request.method === 'HEAD' ? undefined : part);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const policy = () => ({ directories: [], hosts: [], privateAddresses: false, s3: { endpoint, region: 'eu-1', accessKeyId: 'id', secretAccessKey: 'secret' } });

test('objects below a prefix are found by their extensions and read by ranges, with signed requests', async () => {
  const files = await sourceFiles(['s3://bucket/in/'], policy());
  expect(files.map(({ name }) => name)).toEqual(['s3://bucket/in/a.jsonl', 's3://bucket/in/b.csv']);
  const source = await files[0]?.open();
  expect(source?.sizeBytes).toBe(10);
  expect((await source?.read(3, 4))?.toString()).toBe('3456');
  expect((await source?.read(8, 100))?.toString()).toBe('89');
  await source?.close();
  expect(signatures.every((signature) => signature.startsWith('AWS4-HMAC-SHA256 Credential=id/'))).toBe(true);
});

test('an object that is not there is told of', async () => {
  const [file] = await sourceFiles(['s3://bucket/in/none.npy'], policy());
  await expect(file?.open()).rejects.toMatchObject({ code: 'source_invalid' });
});
