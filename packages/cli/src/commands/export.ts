/** `shoal export NAME`: the vectors of an embedding into a file, an object of a bucket or an HTTP address, as an import reads them. */
import { basename, dirname } from 'node:path';
import { openPlace } from '@shoal/backup';
import type { Filter, ScrolledVector } from '@shoal/client';
import { EXPORT_FORMATS, exportFormatOf, exportVectors, putHttp, type ExportFormat, type ExportedVector } from '@shoal/jobs';
import { ShoalError } from '@shoal/protocol';
import type { Command } from 'commander';
import { addBucketOptions, bucketAccess, type BucketOptions } from '../bucket-options.ts';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { filterJson, oneOf, pathFrom } from '../option-parsers.ts';
import { formatCount } from '../text/quantities.ts';

interface ExportOptions extends BucketOptions {
  readonly output: string;
  readonly format?: ExportFormat;
  readonly filter?: Filter;
  readonly tenant?: string;
}

async function* counted(vectors: AsyncIterable<ScrolledVector>, onVector: () => void): AsyncGenerator<ExportedVector> {
  for await (const { key, values, payload } of vectors) {
    onVector();
    yield { key, values: values ?? new Float32Array(), ...(payload === undefined ? {} : { payload }) };
  }
}

/** A file and an object appear when they are whole. */
async function store(content: AsyncIterable<Uint8Array>, options: ExportOptions, system: CliSystem): Promise<void> {
  const { output } = options;
  if (/^https?:\/\//.test(output)) return putHttp(output, content, system.interrupt);
  const path = output.startsWith('s3://') ? output : pathFrom(system.workingDirectory, output);
  const place = openPlace(path.startsWith('s3://') ? path.slice(0, path.lastIndexOf('/')) : dirname(path), bucketAccess(options, system));
  return place.write(basename(path), content, system.interrupt);
}

async function runExport(name: string, options: ExportOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const format = options.format ?? exportFormatOf(options.output);
  if (format === undefined) throw new ShoalError('invalid_field', `The extension of ${options.output} names no format; give one with --format ${EXPORT_FORMATS.join('|')}.`, { field: 'format' });
  const connection = await connect(globals, system, options.tenant);
  const client = connection.withPatience({ retries: CLI_LIMITS.loadRetries, timeoutMs: CLI_LIMITS.loadTimeoutMs });
  let count = 0;
  let reportedMs = system.nowMs();
  const vectors = client.embedding(name).scroll({ include: ['values', 'payload'], pageSize: CLI_LIMITS.exportPageVectors, signal: system.interrupt, ...(options.filter === undefined ? {} : { filter: options.filter }) });
  const content = exportVectors(format, counted(vectors, () => {
    count += 1;
    if (count % CLI_LIMITS.exportPageVectors !== 0 || system.nowMs() - reportedMs < CLI_LIMITS.reportIntervalMs) return;
    reportedMs = system.nowMs();
    system.stderr.write(`  ${formatCount(count)} vectors\n`);
  }));
  await store(content, options, system);
  system.stdout.write(`${formatCount(count)} vectors in ${options.output.split('?', 1)[0] ?? ''}\n`);
}

export function addExportCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('export <name>')
    .description('write the vectors of an embedding to a file that an import reads: a path, s3://bucket/key, or an http(s) address by PUT')
    .requiredOption('--output <target>', 'where to')
    .option('--format <format>', `${EXPORT_FORMATS.join(', ')} (default: by the extension)`, oneOf(EXPORT_FORMATS))
    .option('--filter <json>', 'only vectors that pass, as \'{"field":"colour","equals":"red"}\'', filterJson)
    .option('--tenant <name>', 'with the root key: whose embedding (default: default)');
  addConnectionOptions(addBucketOptions(command), true).action(async (name: string, options: ExportOptions) => runExport(name, options, connectionOf(command), system));
}
