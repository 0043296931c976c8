/** `shoal restore PLACE`: a backup, or a part of one, into this cluster; also into other names, and to a point in time. */
import { newestFolder, restoreBackup, type RestoreResult } from '@shoal/backup';
import { ShoalClient, type ReceiptJson } from '@shoal/client';
import { LIMITS, ShoalError, parseEmbeddingName, parseReceipt, parseTenantId } from '@shoal/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import { addBucketOptions, type BucketOptions } from '../bucket-options.ts';
import { INTERRUPTED_EXIT_CODE, type CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';
import { placeOf } from './backup.ts';

interface RestoreOptions extends BucketOptions {
  readonly backup?: string;
  readonly tenant?: string;
  readonly embedding?: string;
  readonly as?: string;
  readonly model?: string;
  readonly intoTenant?: string;
  readonly receipt?: ReceiptJson;
  readonly until?: number;
  readonly resume: boolean;
  readonly json: boolean;
}

function receiptText(text: string): ReceiptJson {
  try {
    const receipt = JSON.parse(text) as ReceiptJson;
    parseReceipt(receipt, LIMITS.slots, 'receipt');
    return receipt;
  } catch {
    throw new InvalidArgumentError('It must be a receipt as JSON, such as {"17":4711}.');
  }
}

function timeText(text: string): number {
  const timeMs = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text) || Number.isNaN(timeMs)) throw new InvalidArgumentError('It must be a time such as 2030-01-31T12:00:00Z.');
  return timeMs;
}

async function runRestore(address: string, options: RestoreOptions, globals: ConnectionOptions, system: CliSystem): Promise<RestoreResult> {
  const { url, apiKey } = await connect(globals, system);
  const place = placeOf(address, options, system);
  const folder = options.backup ?? (await newestFolder(place));
  if (folder === undefined) throw new ShoalError('backup_corrupt', `There is no backup in ${place.name}.`);
  const { tenant, embedding, as, model, intoTenant, receipt, until } = options;
  let reportedMs = system.nowMs();
  return restoreBackup({
    clientOf: (name) => new ShoalClient({ url, apiKey, tenant: name, retries: CLI_LIMITS.loadRetries, timeoutMs: CLI_LIMITS.loadTimeoutMs }),
    place, folder, resume: options.resume, signal: system.interrupt,
    selection: { ...(tenant === undefined ? {} : { tenant: parseTenantId(tenant) }), ...(embedding === undefined ? {} : { embedding: parseEmbeddingName(embedding, 'embedding') }) },
    target: {
      ...(intoTenant === undefined ? {} : { tenant: parseTenantId(intoTenant, 'into-tenant') }),
      ...(as === undefined ? {} : { name: parseEmbeddingName(as, 'as') }),
      ...(model === undefined ? {} : { model }),
    },
    ...(receipt === undefined ? {} : { receipt }),
    ...(until === undefined ? {} : { untilMs: until }),
    onProgress: ({ slotsDone, slotCount, vectors }) => {
      if (system.nowMs() - reportedMs < CLI_LIMITS.reportIntervalMs) return;
      reportedMs = system.nowMs();
      system.stderr.write(`  ${slotsDone} of ${slotCount} slots, ${formatCount(vectors)} vectors\n`);
    },
  });
}

function report({ embeddings, tenants, keys, aliases }: RestoreResult, system: CliSystem): void {
  const titles = [{ title: 'tenant' }, { title: 'embedding' }, { title: 'vectors', align: 'right' as const }];
  system.stdout.write(textTable(titles, embeddings.map(({ tenant, name, vectors }) => [tenant, name, formatCount(vectors)])));
  system.stdout.write(`${formatCount(embeddings.length)} embeddings, ${formatCount(tenants)} tenants, ${formatCount(keys)} keys and ${formatCount(aliases)} aliases are back.\n`);
  for (const { tenant, name, vectors, counted } of embeddings) {
    if (counted !== vectors) system.stderr.write(`${tenant}/${name} has ${formatCount(counted)} vectors and the backup ${formatCount(vectors)}: somebody else writes to it, or an earlier run wrote more.\n`);
  }
}

export function addRestoreCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('restore <place>')
    .description('restore a backup, or a part of one; needs the root key')
    .option('--backup <name>', 'which backup at the place (default: the newest)')
    .option('--tenant <name>', 'only this tenant of the backup')
    .option('--embedding <name>', 'only this embedding, into a tenant that is there')
    .option('--as <name>', 'another name for the one embedding')
    .option('--model <text>', 'another model for the one embedding: a tenant has one embedding of a model, dimension and distance')
    .option('--into-tenant <name>', 'another tenant for the one tenant; its keys stay behind')
    .option('--receipt <json>', 'the slots that it names end at their sequences', receiptText)
    .option('--until <time>', 'only what the log took until then, such as 2030-01-31T12:00:00Z', timeText)
    .option('--resume', 'embeddings that are there were begun by this restore, which was interrupted', false)
    .option('--json', 'print JSON', false);
  addConnectionOptions(addBucketOptions(command), true).action(async (place: string, options: RestoreOptions) => {
    try {
      const result = await runRestore(place, options, connectionOf(command), system);
      if (options.json) system.stdout.write(`${JSON.stringify(result)}\n`);
      else report(result, system);
    } catch (error) {
      if (!system.interrupt.aborted) throw error;
      system.stderr.write('Interrupted; the same command with --resume goes on.\n');
      throw new CommandFailure(INTERRUPTED_EXIT_CODE);
    }
  });
}
