import { openPlace, removeOldBackups, takeBackup } from '@shoal/backup';
import { ShoalClient } from '@shoal/client';
import type { Clock } from '@shoal/pacing';
import type { BackupSchedule } from './backup-schedule.ts';
import type { WorkerConfig } from './config.ts';

const RETRIES = 8;
const TIMEOUT_MS = 60_000;

/** A backup of everything, after which the oldest ones go. Resolves with what is worth a log line. */
export async function takeScheduledBackup({ gatewayUrls: [url = ''] }: Pick<WorkerConfig, 'gatewayUrls'>, { place: address, rootKey, keep, bucket }: BackupSchedule, clock: Clock, signal: AbortSignal): Promise<{ readonly folder: string; readonly slots: number; readonly removed: number }> {
  const client = new ShoalClient({ url, apiKey: rootKey, retries: RETRIES, timeoutMs: TIMEOUT_MS });
  const place = openPlace(address, bucket);
  const manifest = await takeBackup({ client, place, scope: { type: 'cluster' }, nowMs: () => clock.nowMs(), signal });
  const removed = await removeOldBackups(place, manifest, keep, signal);
  return { folder: manifest.folder, slots: manifest.files.length, removed: removed.length };
}
