/**
 * `shoal import SOURCE...`: files, directories, HTTP addresses and buckets into an embedding; rows at fault are left out and reported. What
 * lies on this machine is read here; addresses are read by the server, which carries the import on by itself.
 */
import { runImport, sourceFiles, type RunProgress, type SourcePolicy } from '@shoal/jobs';
import { IMPORT_FORMATS, ShoalError, type ColumnMapping, type ImportFormat, type ImportRequestJson } from '@shoal/protocol';
import type { Command } from 'commander';
import { addBucketOptions, bucketAccess, type BucketOptions } from '../bucket-options.ts';
import type { CliSystem } from '../cli-system.ts';
import { INTERRUPTED_EXIT_CODE } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type Connection, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { oneOf, pathFrom, words } from '../option-parsers.ts';
import { formatCount, perSecond } from '../text/quantities.ts';
import { RejectionReport } from './rejection-report.ts';
import { runServerImport } from './server-import.ts';

interface ImportOptions extends BucketOptions {
  readonly embedding: string;
  readonly format?: ImportFormat;
  readonly keyColumn?: string;
  readonly vectorColumns?: string[];
  readonly payloadColumns?: string[];
  readonly keyPrefix: string;
  readonly dataset?: string;
  readonly delimiter?: string;
  readonly rejected: string;
  readonly remote: boolean;
  readonly local: boolean;
  readonly detach: boolean;
}

const isAddress = (source: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//.test(source);

/** The command reads as the person who runs it, who may read whatever the system lets them read. */
function policyOf(options: ImportOptions, system: CliSystem): SourcePolicy {
  const s3 = bucketAccess(options, system);
  return { directories: ['/'], hosts: ['*'], privateAddresses: true, ...(s3 === undefined ? {} : { s3 }) };
}

function mappingOf({ keyColumn, vectorColumns, payloadColumns }: ImportOptions): ColumnMapping {
  const [first, ...others] = vectorColumns ?? [];
  return {
    ...(keyColumn === undefined ? {} : { key: keyColumn }),
    ...(first === undefined ? {} : { vector: others.length === 0 ? first : [first, ...others] }),
    ...(payloadColumns === undefined ? {} : { payload: payloadColumns }),
  };
}

function progressLines(system: CliSystem, startedMs: number): (progress: RunProgress) => void {
  let lastMs = startedMs;
  return ({ rowsDone, rejected }) => {
    const nowMs = system.nowMs();
    if (nowMs - lastMs < CLI_LIMITS.reportIntervalMs) return;
    lastMs = nowMs;
    system.stderr.write(`  ${formatCount(rowsDone)} rows, ${formatCount(rejected)} rejected, ${formatCount(perSecond(rowsDone, nowMs - startedMs))}/s\n`);
  };
}

function summarise({ accepted, rejected, receipt }: RunProgress, durationMs: number, reportPath: string, system: CliSystem): void {
  system.stdout.write(`${formatCount(accepted)} vectors in and searchable after ${(durationMs / 1000).toFixed(2)} s, ${formatCount(perSecond(accepted, durationMs))} vectors/s.\n`);
  if (rejected > 0) system.stdout.write(`${formatCount(rejected)} rows rejected; ${reportPath} names each with its reason.\n`);
  system.stdout.write(`Receipt: ${JSON.stringify(receipt)}\n`);
}

function requestOf(sources: readonly string[], options: ImportOptions): ImportRequestJson {
  const { embedding, format, keyPrefix, delimiter, dataset } = options;
  const { key, vector, payload } = mappingOf(options);
  return {
    embedding, sources: [...sources], keyPrefix,
    ...(format === undefined ? {} : { format }), ...(delimiter === undefined ? {} : { delimiter }), ...(dataset === undefined ? {} : { dataset }),
    mapping: { ...(key === undefined ? {} : { key }), ...(vector === undefined ? {} : { vector: typeof vector === 'string' ? vector : [...vector] }), ...(payload === undefined ? {} : { payload: [...payload] }) },
  };
}

/** The server reads what is not on this machine, unless it is to be read with keys that are here. */
async function runImportCommand(sources: readonly string[], options: ImportOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const connection = await connect(globals, system);
  const byServer = options.remote || (sources.every(isAddress) && options.s3Endpoint === undefined && !options.local);
  if (!byServer) return runHere(sources, options, connection, system);
  try {
    await runServerImport(connection.client, requestOf(sources, options), { detach: options.detach, reportPath: pathFrom(system.workingDirectory, options.rejected) }, system);
  } catch (error) {
    if (options.remote || !(error instanceof ShoalError) || error.code !== 'imports_unavailable') throw error;
    system.stderr.write('The server takes no imports; the sources are read here.\n');
    await runHere(sources, options, connection, system);
  }
}

async function runHere(sources: readonly string[], options: ImportOptions, connection: Connection, system: CliSystem): Promise<void> {
  const { dim, distance } = await connection.client.embedding(options.embedding).describe();
  const addresses = sources.map((source) => (isAddress(source) ? source : pathFrom(system.workingDirectory, source)));
  const files = await sourceFiles(addresses, policyOf(options, system));
  const patient = connection.withPatience({ retries: CLI_LIMITS.loadRetries, timeoutMs: CLI_LIMITS.loadTimeoutMs });
  const report = new RejectionReport(pathFrom(system.workingDirectory, options.rejected));
  const startedMs = system.nowMs();
  try {
    const result = await runImport({
      files,
      ...(options.format === undefined ? {} : { format: options.format }),
      reader: { ...(options.dataset === undefined ? {} : { dataset: options.dataset }), ...(options.delimiter === undefined ? {} : { delimiter: options.delimiter }) },
      rows: { mapping: mappingOf(options), keyPrefix: options.keyPrefix, dim, distance },
      handle: patient.embedding(options.embedding),
      onRejected: (rejections) => report.add(rejections),
      onProgress: progressLines(system, startedMs),
      signal: system.interrupt,
    });
    summarise(result, system.nowMs() - startedMs, report.path, system);
  } catch (error) {
    if (!system.interrupt.aborted) throw error;
    system.stderr.write('Interrupted; the same command writes what is in already once more and goes on.\n');
    throw new CommandFailure(INTERRUPTED_EXIT_CODE);
  } finally {
    await report.close();
  }
}

export function addImportCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('import <source...>')
    .description('import files, directories, http(s):// and s3:// addresses; rows at fault are left out and reported')
    .requiredOption('--embedding <name>', 'embedding to import into; it must exist')
    .option('--format <format>', `${IMPORT_FORMATS.join(', ')} (default: by the extension)`, oneOf(IMPORT_FORMATS))
    .option('--key-column <name>', 'column of the keys (default: key; rows are numbered where there is none)')
    .option('--vector-columns <names>', 'column of the vectors, or one column per component (default: values)', words)
    .option('--payload-columns <names>', 'columns that form the payload (default: payload, or all that are left)', words)
    .option('--key-prefix <prefix>', 'keys are the prefix and the row number where the file has none', '')
    .option('--dataset <path>', 'array inside an HDF5 file (default: train)')
    .option('--delimiter <text>', 'between the fields of csv (default: a comma, a tab for .tsv)')
    .option('--rejected <file>', 'where rejected rows are reported, one JSON object a line', 'rejected.jsonl')
    .option('--remote', 'let the server read everything, paths on its own machine included', false)
    .option('--local', 'read addresses here, too', false)
    .option('--detach', 'do not wait for an import that the server carries on', false);
  addConnectionOptions(addBucketOptions(command), true).action(async (sources: string[], options: ImportOptions) => {
    await runImportCommand(sources, options, connectionOf(command), system);
  });
}
