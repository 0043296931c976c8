import { isAbsolute, relative, sep } from 'node:path';
import type { BucketSettings } from '@shoal/backup';
import { invalidSetting, requiredSetting, setting, wholeNumberSetting, type Environment } from '@shoal/protocol';

export interface BackupSchedule {
  /** An absolute directory, or `s3://bucket/prefix`. */
  readonly place: string;
  /** A cron pattern in UTC. */
  readonly pattern: string;
  /** Backups of everything that are left at the place. */
  readonly keep: number;
  readonly rootKey: string;
  readonly bucket?: BucketSettings;
}

/** Five fields, or six with seconds. */
const PATTERN = /^\S+( \S+){4,5}$/;

function bucketSettings(environment: Environment): BucketSettings {
  return {
    endpoint: requiredSetting(environment, 'SHOAL_BACKUP_S3_ENDPOINT', 'https://s3.eu-central-1.amazonaws.com'),
    region: setting(environment, 'SHOAL_BACKUP_S3_REGION') ?? 'us-east-1',
    accessKeyId: requiredSetting(environment, 'SHOAL_BACKUP_S3_ACCESS_KEY', 'the name of the access key'),
    secretAccessKey: requiredSetting(environment, 'SHOAL_BACKUP_S3_SECRET_KEY', 'the secret of the access key'),
  };
}

const isInside = (path: string, directory: string): boolean => {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/**
 * SHOAL_BACKUP_PLACE, SHOAL_BACKUP_SCHEDULE, SHOAL_BACKUP_KEEP, SHOAL_BACKUP_S3_* and SHOAL_ROOT_KEY. The object store has settings of its own, and
 * the directory must lie outside those of imports: whoever may import from a place could read everybody's vectors there.
 * Undefined without a place. Throws `invalid_configuration`.
 */
export function parseBackupSchedule(environment: Environment, importDirectories: readonly string[]): BackupSchedule | undefined {
  const place = setting(environment, 'SHOAL_BACKUP_PLACE');
  if (place === undefined) return undefined;
  const inBucket = place.startsWith('s3://');
  if (!inBucket && !isAbsolute(place)) throw invalidSetting('SHOAL_BACKUP_PLACE', place, 'an absolute directory, or s3://bucket/prefix');
  if (!inBucket && importDirectories.some((directory) => isInside(place, directory))) throw invalidSetting('SHOAL_BACKUP_PLACE', place, 'outside the directories of SHOAL_IMPORT_DIRS, from which every tenant may read');
  const pattern = setting(environment, 'SHOAL_BACKUP_SCHEDULE') ?? '15 3 * * *';
  if (!PATTERN.test(pattern)) throw invalidSetting('SHOAL_BACKUP_SCHEDULE', pattern, 'a cron pattern of five fields such as "15 3 * * *", in UTC');
  return {
    place,
    pattern,
    keep: wholeNumberSetting(environment, 'SHOAL_BACKUP_KEEP', { fallback: 7, minimum: 1, maximum: 10_000 }),
    rootKey: requiredSetting(environment, 'SHOAL_ROOT_KEY', 'the root key of the gateways'),
    ...(inBucket ? { bucket: bucketSettings(environment) } : {}),
  };
}
