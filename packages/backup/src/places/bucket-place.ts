/** Backups below a prefix of a bucket in S3-compatible storage. Large files go up in parts, which become an object in one step. */
import { S3mini, type UploadPart } from 's3mini';
import { corrupt, unavailable } from '../backup-failure.ts';
import { BACKUP_LIMITS } from '../limits.ts';
import type { BackupPlace } from './backup-place.ts';

export interface BucketSettings {
  /** Base address of the service, without a bucket. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const MEDIA_TYPE = 'application/octet-stream';

/** Pieces of exactly `partBytes`, the last one shorter; at least one, which may be empty. */
async function* partsOf(content: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Buffer> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of content) {
    pieces.push(piece);
    bytes += piece.length;
    while (bytes >= partBytes) {
      const whole = Buffer.concat(pieces, bytes);
      yield whole.subarray(0, partBytes);
      pieces = [whole.subarray(partBytes)];
      bytes -= partBytes;
    }
  }
  yield Buffer.concat(pieces, bytes);
}

export class BucketPlace implements BackupPlace {
  readonly name: string;
  readonly #client: S3mini;
  readonly #prefix: string;

  constructor(bucket: string, prefix: string, { endpoint, region, accessKeyId, secretAccessKey }: BucketSettings) {
    this.#prefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    this.name = `s3://${bucket}/${this.#prefix}`;
    this.#client = new S3mini({ endpoint: `${endpoint.replace(/\/+$/, '')}/${bucket}`, region, accessKeyId, secretAccessKey, requestAbortTimeout: BACKUP_LIMITS.objectTimeoutMs });
  }

  async write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const key = this.#prefix + path;
    const parts = partsOf(content, BACKUP_LIMITS.objectPartBytes);
    const first = (await parts.next()).value as Buffer;
    const second = first.length < BACKUP_LIMITS.objectPartBytes ? undefined : await parts.next();
    signal.throwIfAborted();
    if (second === undefined) {
      await this.#answered(path, this.#client.putObject(key, first, MEDIA_TYPE));
      return;
    }
    await this.#writeParts(path, key, first, second.value as Buffer, parts, signal);
  }

  async #writeParts(path: string, key: string, first: Buffer, second: Buffer, rest: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    const upload = await this.#answered(path, this.#client.getMultipartUploadId(key, MEDIA_TYPE));
    try {
      const done: UploadPart[] = [];
      const put = async (part: Buffer): Promise<void> => {
        signal.throwIfAborted();
        if (done.length >= BACKUP_LIMITS.objectParts) throw unavailable(`${path} is larger than an object may be.`);
        done.push(await this.#answered(path, this.#client.uploadPart(key, upload, part, done.length + 1)));
      };
      await put(first);
      if (second.length > 0) await put(second);
      for await (const part of rest) if (part.length > 0) await put(part);
      await this.#answered(path, this.#client.completeMultipartUpload(key, upload, done));
    } catch (error) {
      await this.#client.abortMultipartUpload(key, upload).catch(() => undefined);
      throw error;
    }
  }

  async *read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const response = await this.#answered(path, this.#client.getObjectResponse(this.#prefix + path));
    if (response === null) throw corrupt(`${this.name} has no object ${path}.`);
    try {
      for await (const piece of response.body ?? []) {
        signal.throwIfAborted();
        yield piece;
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw unavailable(`The object ${path} in ${this.name} could not be read to its end.`, cause);
    }
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#answered(path, this.#client.getEtag(this.#prefix + path))) !== null;
  }

  async folders(): Promise<readonly string[]> {
    const keys = await this.#keys(this.#prefix);
    const names = new Set(keys.map((key) => key.slice(this.#prefix.length)).filter((path) => path.includes('/')).map((path) => path.split('/', 1)[0] ?? ''));
    return [...names].sort().slice(-BACKUP_LIMITS.backups);
  }

  async remove(folder: string, first: string): Promise<void> {
    const prefix = `${this.#prefix}${folder}/`;
    const keys = await this.#keys(prefix);
    await this.#answered(folder, this.#client.deleteObject(prefix + first));
    for (const key of keys) if (key !== prefix + first) await this.#answered(folder, this.#client.deleteObject(key));
  }

  async #keys(prefix: string): Promise<string[]> {
    const objects = await this.#answered(prefix, this.#client.listObjects('/', prefix));
    return (objects ?? []).map(({ Key }) => Key);
  }

  async #answered<T>(path: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (cause) {
      throw unavailable(`${this.name} does not take or give ${path}.`, cause);
    }
  }
}
