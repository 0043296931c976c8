import { isAbsolute } from 'node:path';
import { ShoalError } from '@shoal/protocol';
import type { BackupPlace } from './backup-place.ts';
import { BucketPlace, type BucketSettings } from './bucket-place.ts';
import { DirectoryPlace } from './directory-place.ts';

/** The place of an address: an absolute path, or `s3://bucket/prefix`. Throws `invalid_field` or `invalid_configuration`. */
export function openPlace(address: string, bucket?: BucketSettings): BackupPlace {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?(.*)$/.exec(address);
  if (match?.[1] !== undefined) {
    if (bucket === undefined) throw new ShoalError('invalid_configuration', `${address} needs the address and keys of an object store.`, { field: 'place' });
    return new BucketPlace(match[1], match[2] ?? '', bucket);
  }
  if (!isAbsolute(address)) throw new ShoalError('invalid_field', 'A place of backups is an absolute path, or s3://bucket/prefix.', { field: 'place' });
  return new DirectoryPlace(address);
}
