/** `shoal backup PLACE`, `shoal backups PLACE`: everything, a tenant or an embedding into a directory or a bucket. */
import { listBackups, openPlace, removeOldBackups, takeBackup, type BackupPlace, type BackupScope, type Manifest } from '@shoal/backup';
import { DEFAULT_TENANT, parseEmbeddingName, parseTenantId } from '@shoal/protocol';
import type { Command } from 'commander';
import { addBucketOptions, bucketAccess, type BucketOptions } from '../bucket-options.ts';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { pathFrom, wholeNumber } from '../option-parsers.ts';
import { formatBytes, formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';

interface BackupOptions extends BucketOptions {
  readonly tenant?: string;
  readonly embedding?: string;
  readonly keep?: number;
  readonly json: boolean;
}

/** A path from the working directory, or an address. */
export function placeOf(address: string, options: BucketOptions, system: CliSystem): BackupPlace {
  return openPlace(address.startsWith('s3://') ? address : pathFrom(system.workingDirectory, address), bucketAccess(options, system));
}

function scopeOf({ tenant, embedding }: BackupOptions): BackupScope {
  if (embedding !== undefined) return { type: 'embedding', tenant: tenant === undefined ? DEFAULT_TENANT : parseTenantId(tenant), embedding: parseEmbeddingName(embedding, 'embedding') };
  return tenant === undefined ? { type: 'cluster' } : { type: 'tenant', tenant: parseTenantId(tenant) };
}

function scopeText(scope: BackupScope): string {
  switch (scope.type) {
    case 'cluster':
      return 'everything';
    case 'tenant':
      return `tenant ${scope.tenant}`;
    case 'embedding':
      return `embedding ${scope.tenant}/${scope.embedding}`;
  }
}

const bytesOf = ({ records, files }: Manifest): number => files.reduce((sum, { bytes }) => sum + bytes, records.bytes);
const receiptOf = ({ files }: Manifest): Record<string, number> => Object.fromEntries(files.map(({ slot, to }) => [slot, to]));

async function runBackup(address: string, options: BackupOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const connection = await connect(globals, system);
  const client = connection.withPatience({ retries: CLI_LIMITS.loadRetries, timeoutMs: CLI_LIMITS.loadTimeoutMs });
  const place = placeOf(address, options, system);
  let reportedMs = system.nowMs();
  const manifest = await takeBackup({
    client, place, scope: scopeOf(options), nowMs: system.nowMs, signal: system.interrupt,
    onProgress: ({ slotsDone, slotCount, bytes }) => {
      if (system.nowMs() - reportedMs < CLI_LIMITS.reportIntervalMs) return;
      reportedMs = system.nowMs();
      system.stderr.write(`  ${slotsDone} of ${slotCount} slots, ${formatBytes(bytes)}\n`);
    },
  });
  const removed = options.keep === undefined ? [] : await removeOldBackups(place, manifest, options.keep, system.interrupt);
  const receipt = receiptOf(manifest);
  if (options.json) {
    system.stdout.write(`${JSON.stringify({ folder: manifest.folder, bytes: bytesOf(manifest), receipt, removed })}\n`);
    return;
  }
  system.stdout.write(`${manifest.folder}: ${scopeText(manifest.scope)} in ${formatCount(manifest.files.length)} slots, ${formatBytes(bytesOf(manifest))}\n`);
  system.stdout.write(`Receipt: ${JSON.stringify(receipt)}\n`);
  for (const folder of removed) system.stdout.write(`${folder} was removed\n`);
}

export function addBackupCommands(program: Command, system: CliSystem): void {
  const backup = program
    .command('backup <place>')
    .description('back up the cluster, a tenant or an embedding into a directory or s3://bucket/prefix; needs the root key')
    .option('--tenant <name>', 'only this tenant, or with --embedding the tenant that has it')
    .option('--embedding <name>', 'only this embedding')
    .option('--keep <count>', 'afterwards remove all but so many backups of the same', wholeNumber(1, 10_000))
    .option('--json', 'print JSON', false);
  addConnectionOptions(addBucketOptions(backup), true).action(async (place: string, options: BackupOptions) => runBackup(place, options, connectionOf(backup), system));

  const list = program.command('backups <place>').description('list the backups in a directory or bucket').option('--json', 'print JSON', false);
  addBucketOptions(list).action(async (address: string, options: BackupOptions) => {
    const found = await listBackups(placeOf(address, options, system), system.interrupt);
    if (options.json) system.stdout.write(`${JSON.stringify(found)}\n`);
    else {
      const titles = [{ title: 'backup' }, { title: 'of' }, { title: 'taken' }, { title: 'size', align: 'right' as const }];
      system.stdout.write(textTable(titles, found.map((manifest) => [manifest.folder, scopeText(manifest.scope), manifest.createdAt, formatBytes(bytesOf(manifest))])));
    }
  });
}
