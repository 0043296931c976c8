import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKUP_LIMITS } from '../limits.ts';
import { readWhole } from '../measured-content.ts';
import type { BackupPlace } from './backup-place.ts';
import { openPlace } from './open-place.ts';

const objects = new Map<string, Buffer>();
const uploads = new Map<string, Buffer[]>();
let partCount = 0;
let server: Server;
let directory: string;

const xml = (name: string, inner: string): string => `<?xml version="1.0"?><${name}>${inner}</${name}>`;

/** The part of the S3 protocol that backups use: whole objects, uploads in parts, ListObjectsV2 and DELETE. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-places-'));
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://s3');
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''));
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece)).on('end', () => {
      const body = Buffer.concat(pieces);
      const upload = url.searchParams.get('uploadId');
      response.setHeader('content-type', 'application/xml');
      if (request.method === 'GET' && url.searchParams.has('list-type')) {
        const prefix = url.searchParams.get('prefix') ?? '';
        const found = [...objects].filter(([name]) => name.startsWith(prefix)).map(([name, { length }]) => `<Contents><Key>${name}</Key><Size>${length}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag></Contents>`);
        return response.end(xml('ListBucketResult', `<Name>bucket</Name><IsTruncated>false</IsTruncated>${found.join('')}`));
      }
      if (request.method === 'POST' && url.searchParams.has('uploads')) {
        uploads.set(key, []);
        return response.end(xml('InitiateMultipartUploadResult', `<Bucket>bucket</Bucket><Key>${key}</Key><UploadId>u1</UploadId>`));
      }
      if (request.method === 'PUT' && upload !== null) {
        partCount += 1;
        uploads.get(key)?.push(body);
        return response.setHeader('etag', '"p"').end();
      }
      if (request.method === 'POST' && upload !== null) {
        objects.set(key, Buffer.concat(uploads.get(key) ?? []));
        return response.end(xml('CompleteMultipartUploadResult', `<Location>l</Location><Bucket>bucket</Bucket><Key>${key}</Key><ETag>"e"</ETag>`));
      }
      if (request.method === 'DELETE') {
        if (upload === null) objects.delete(key);
        else uploads.delete(key);
        return response.writeHead(204).end();
      }
      if (request.method === 'PUT') {
        objects.set(key, body);
        return response.setHeader('etag', '"e"').end();
      }
      const found = objects.get(key);
      if (found === undefined) return response.writeHead(404).end(xml('Error', '<Code>NoSuchKey</Code><Message>none</Message>'));
      return response.writeHead(200, { etag: '"e"', 'content-length': found.length }).end(request.method === 'HEAD' ? undefined : found);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true, force: true });
});

const never = new AbortController().signal;
const bucket = () => ({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: 'eu-1', accessKeyId: 'id', secretAccessKey: 'secret' });
const placeOf = (kind: string): BackupPlace => (kind === 'directory' ? openPlace(join(directory, 'backups')) : openPlace('s3://bucket/backups', bucket()));

async function* pieces(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Buffer.from(part);
  }
}

describe.each(['directory', 'bucket'])('a place that is a %s', (kind) => {
  it('gives back what was written, lists folders and removes them', async () => {
    const place = placeOf(kind);
    expect(await place.folders()).toEqual([]);
    await place.write('b/slots/0001', pieces('ab', 'c'), never);
    await place.write('b/manifest.json', pieces(''), never);
    await place.write('a/manifest.json', pieces('x'), never);
    expect((await readWhole(place.read('b/slots/0001', never), 100)).toString()).toBe('abc');
    expect(await place.folders()).toEqual(['a', 'b']);
    expect(await place.exists('b/manifest.json')).toBe(true);
    await place.remove('b', 'manifest.json');
    await place.remove('b', 'manifest.json');
    expect(await place.folders()).toEqual(['a']);
    expect(await place.exists('b/manifest.json')).toBe(false);
    await expect(readWhole(place.read('b/slots/0001', never), 100)).rejects.toMatchObject({ code: 'backup_corrupt' });
  });

  it('has no file that was not written to its end', async () => {
    const place = placeOf(kind);
    await expect(place.write('c/slots/0001', pieces('ab', new Error('the stream broke')), never)).rejects.toThrow('the stream broke');
    expect(await place.exists('c/slots/0001')).toBe(false);
    const left = kind === 'directory' ? await readdir(join(directory, 'backups'), { recursive: true }) : [...objects.keys()];
    expect(left.filter((name) => name.includes('0001'))).toEqual([]);
  });
});

it('a large file goes into a bucket in parts, and one whose stream breaks leaves none', async () => {
  const place = placeOf('bucket');
  const part = Buffer.alloc(BACKUP_LIMITS.objectPartBytes / 2 + 1, 7);
  async function* parts(count: number, failure?: Error): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < count; index += 1) yield part;
    if (failure !== undefined) throw failure;
  }
  await place.write('large/slots/0000', parts(5), never);
  expect(partCount).toBe(3);
  expect((await readWhole(place.read('large/slots/0000', never), 1 << 30)).equals(Buffer.alloc(part.length * 5, 7))).toBe(true);
  await expect(place.write('large/slots/0001', parts(5, new Error('the stream broke')), never)).rejects.toThrow('the stream broke');
  expect(uploads.has('backups/large/slots/0001')).toBe(false);
  expect(objects.has('backups/large/slots/0001')).toBe(false);
});

it('an object store that does not answer, and an address that is none, are told of', async () => {
  await expect(openPlace('s3://bucket/backups', { ...bucket(), endpoint: 'http://127.0.0.1:9' }).exists('a')).rejects.toMatchObject({ code: 'backup_unavailable' });
  expect(() => openPlace('s3://bucket/backups')).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  expect(() => openPlace('relative/path')).toThrow(expect.objectContaining({ code: 'invalid_field' }));
});
