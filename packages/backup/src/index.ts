export { listBackups, newestFolder, removeOldBackups } from './kept-backups.ts';
export { BACKUP_LIMITS } from './limits.ts';
export { MANIFEST, type BackupScope, type Manifest } from './manifest.ts';
export type { BackupPlace } from './places/backup-place.ts';
export type { BucketSettings } from './places/bucket-place.ts';
export { openPlace } from './places/open-place.ts';
export { restoreBackup, type RestoreResult, type RestoreRun, type RestoredEmbedding } from './restore-backup.ts';
export type { RestoreSelection, RestoreTarget } from './restore-plan.ts';
export { takeBackup, type BackupRun } from './take-backup.ts';
