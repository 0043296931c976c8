/** Objects in S3-compatible storage: `s3://bucket/key`, or `s3://bucket/prefix/` for all objects below it. */
import { extname } from 'node:path';
import { S3mini } from 's3mini';
import { FORMAT_EXTENSIONS } from '../formats/file-format.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ByteSource, SourceFile } from './byte-source.ts';
import { invalidSource, refusedSource, unavailableSource } from './source-failure.ts';
import { SpooledFile, type Spool } from './spooled-file.ts';

export interface S3Settings {
  /** Base address of the service, without a bucket, such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function bucketClient(settings: S3Settings, bucket: string): S3mini {
  const { endpoint, region, accessKeyId, secretAccessKey } = settings;
  return new S3mini({ endpoint: `${endpoint.replace(/\/+$/, '')}/${bucket}`, region, accessKeyId, secretAccessKey, requestAbortTimeout: JOB_LIMITS.httpTimeoutMs });
}

/** Bucket and key of an `s3://` address. */
export function parseS3Address(address: string): { readonly bucket: string; readonly key: string } {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?(.*)$/.exec(address);
  if (match?.[1] === undefined) throw invalidSource(address, 'an S3 address is s3://bucket/key or s3://bucket/prefix/.');
  return { bucket: match[1], key: match[2] ?? '' };
}

async function openObject(client: S3mini, name: string, key: string, spool: Spool): Promise<ByteSource> {
  const answered = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (cause) {
      throw unavailableSource(name, 'the object store does not give the object.', cause);
    }
  };
  const etag = await answered(client.getEtag(key));
  if (etag === null) throw invalidSource(name, 'there is no such object.');
  const sizeBytes = await answered(client.getContentLength(key));
  const source: ByteSource = {
    name,
    sizeBytes,
    version: `${sizeBytes}-${etag}`,
    async read(offset, length) {
      const end = Math.min(offset + length, sizeBytes);
      if (end <= offset) return Buffer.alloc(0);
      const response = await answered(client.getObjectRaw(key, false, offset, end));
      const bytes = Buffer.from(await answered(response.arrayBuffer()));
      if (bytes.length < end - offset) throw unavailableSource(name, `the object store sent ${bytes.length} of ${end - offset} bytes.`);
      return bytes.subarray(0, end - offset);
    },
    localPath: () => spool.path(source, JSON.stringify([name, source.version])),
    close: () => spool.release(),
  };
  return source;
}

export async function s3SourceFiles(address: string, settings: S3Settings | undefined, shared?: Spool): Promise<SourceFile[]> {
  if (settings === undefined) throw refusedSource(address, 'no object store is set; set SHOAL_S3_ENDPOINT, SHOAL_S3_ACCESS_KEY and SHOAL_S3_SECRET_KEY.');
  const { bucket, key } = parseS3Address(address);
  const client = bucketClient(settings, bucket);
  const fileOf = (objectKey: string): SourceFile => {
    const name = `s3://${bucket}/${objectKey}`;
    return { name, open: () => openObject(client, name, objectKey, shared ?? new SpooledFile()) };
  };
  if (key !== '' && !key.endsWith('/')) return [fileOf(key)];
  const objects = await client.listObjects('/', key, JOB_LIMITS.files + 1).catch((cause: unknown) => {
    throw unavailableSource(address, 'the object store does not list the bucket.', cause);
  });
  const keys = (objects ?? []).map(({ Key }) => Key).filter((name) => Object.hasOwn(FORMAT_EXTENSIONS, extname(name).slice(1).toLowerCase())).sort();
  if (keys.length === 0) throw invalidSource(address, 'there is no object below it whose extension names a format.');
  if (keys.length > JOB_LIMITS.files) throw invalidSource(address, `there are more than ${JOB_LIMITS.files} objects below it.`);
  return keys.map(fileOf);
}
