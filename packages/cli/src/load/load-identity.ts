/** Tells one load from another: which file, into which embedding, of which cluster, under which keys. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { EmbeddingDescription } from '@shoal/client';
import { CLI_LIMITS } from '../limits.ts';

export interface LoadTarget {
  readonly url: string;
  readonly embedding: Pick<EmbeddingDescription, 'code' | 'createdAt'>;
  readonly keyPrefix: string;
}

/** SHA-256 over size, time of change and both ends of the file: a changed file is another one, a renamed file is the same. */
async function fileDigest(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { size, mtimeMs } = await handle.stat();
    const sampleBytes = Math.min(size, CLI_LIMITS.identityBytes);
    const head = await handle.read(Buffer.alloc(sampleBytes), 0, sampleBytes, 0);
    const tail = await handle.read(Buffer.alloc(sampleBytes), 0, sampleBytes, size - sampleBytes);
    return createHash('sha256').update(`${size} ${mtimeMs} `).update(head.buffer).update(tail.buffer).digest('hex');
  } finally {
    await handle.close();
  }
}

/** 32 hexadecimal digits. The embedding's time of creation is part of it, because an emptied data directory gives out the same codes again. */
export async function loadIdentity(path: string, { url, embedding, keyPrefix }: LoadTarget): Promise<string> {
  const parts = [await fileDigest(path), url, embedding.code, embedding.createdAt, keyPrefix];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
