/** `shoal load FILE`: loads a file of vectors, and continues where an interrupted run stopped. */
import { join } from 'node:path';
import { DATASET_FORMATS, DatasetError, openDataset, type Dataset, type DatasetFormat } from '@shoal/bench/datasets';
import type { EmbeddingDescription } from '@shoal/client';
import { DISTANCES, LIMITS, VECTOR_MEMORIES, WAITS, type Distance, type VectorMemory, type Wait } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { INTERRUPTED_EXIT_CODE } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type Connection, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { loadIdentity } from '../load/load-identity.ts';
import { runLoad, type LoadResult } from '../load/load-run.ts';
import { findOrRegister } from '../load/load-target.ts';
import { forgetProgress, readProgress, type LoadProgress } from '../load/progress-file.ts';
import { oneOf, pathFrom, wholeNumber } from '../option-parsers.ts';
import { formatCount, perSecond } from '../text/quantities.ts';

export interface LoadCommandOptions {
  readonly embedding: string;
  readonly format?: DatasetFormat;
  readonly model?: string;
  readonly distance?: Distance;
  readonly partitions?: number;
  readonly memory?: VectorMemory;
  readonly keyPrefix: string;
  readonly batch: number;
  readonly inFlight: number;
  readonly wait: Wait;
  readonly waitApplied: boolean;
  readonly restart: boolean;
  readonly progressDir: string;
}

interface PlannedLoad {
  readonly dataset: Dataset;
  readonly embedding: EmbeddingDescription;
  readonly progressPath: string;
  /** What earlier runs left; undefined for a load from the start. */
  readonly earlier: LoadProgress | undefined;
}

async function plan(file: string, options: LoadCommandOptions, connection: Connection, system: CliSystem): Promise<PlannedLoad> {
  const dataset = await openDataset(pathFrom(system.workingDirectory, file), options.format);
  const { embedding, isNew } = await findOrRegister(connection.client, { ...options, name: options.embedding }, dataset.dim);
  if (isNew) {
    const { name, model, dim, distance, partitions } = embedding;
    system.stdout.write(`Registered ${name}: model ${model}, ${dim} dimensions, ${distance}, partitions ${partitions}.\n`);
  }
  const identity = await loadIdentity(dataset.path, { url: connection.url, embedding, keyPrefix: options.keyPrefix });
  const progressPath = join(pathFrom(system.workingDirectory, options.progressDir), `${identity}.json`);
  if (options.restart) await forgetProgress(progressPath);
  return { dataset, embedding, progressPath, earlier: await readProgress(progressPath) };
}

function announce({ dataset, embedding, earlier }: PlannedLoad, system: CliSystem): void {
  const total = dataset.rowCount === undefined ? 'the vectors' : `${formatCount(dataset.rowCount)} vectors`;
  system.stdout.write(`Loading ${total} of ${dataset.path} (${dataset.format}, ${dataset.dim} dimensions) into ${embedding.name}.\n`);
  if (earlier !== undefined) {
    system.stdout.write(`Continuing at row ${formatCount(earlier.rowsBelow)}, where an earlier run stopped; --restart begins anew.\n`);
  }
}

/** Interrupted here, the load is complete all the same, and the exit code tells of the interrupt alone. */
async function waitUntilApplied(result: LoadResult, loadedNow: number, planned: PlannedLoad, connection: Connection, system: CliSystem): Promise<void> {
  const startedMs = system.nowMs();
  const patient = connection.withPatience({ retries: CLI_LIMITS.loadRetries, timeoutMs: CLI_LIMITS.loadTimeoutMs });
  const options = { timeoutMs: CLI_LIMITS.appliedWaitMs, signal: system.interrupt };
  try {
    await patient.embedding(planned.embedding.name).waitUntilApplied(result.receipt, options);
  } catch (error) {
    if (!system.interrupt.aborted) throw error;
    system.stderr.write('Everything is acknowledged; whether it is applied was not waited for.\n');
    throw new CommandFailure(INTERRUPTED_EXIT_CODE);
  }
  const totalMs = result.durationMs + (system.nowMs() - startedMs);
  system.stdout.write(`All of it applied and searchable after ${(totalMs / 1000).toFixed(2)} s, ${formatCount(perSecond(loadedNow, totalMs))} vectors/s.\n`);
}

async function finish(result: LoadResult, planned: PlannedLoad, options: LoadCommandOptions, connection: Connection, system: CliSystem): Promise<void> {
  const loadedNow = result.rowsBelow - (planned.earlier?.rowsBelow ?? 0);
  const rate = perSecond(loadedNow, result.durationMs);
  const acknowledgement = options.wait === 'applied' ? 'applied' : 'durable in the log';
  system.stdout.write(`${formatCount(loadedNow)} vectors ${acknowledgement} in ${(result.durationMs / 1000).toFixed(2)} s, ${formatCount(rate)} vectors/s.\n`);
  if (planned.earlier !== undefined) system.stdout.write(`${formatCount(result.rowsBelow)} with those of earlier runs.\n`);
  system.stdout.write(`Receipt: ${JSON.stringify(result.receipt)}\n`);
  if (options.waitApplied && options.wait === 'logged') await waitUntilApplied(result, loadedNow, planned, connection, system);
}

/** A file at fault will be another file once it is corrected, and another file is another load. */
function sayWhereItStopped(rowsBelow: number, system: CliSystem, isFileAtFault = false): void {
  if (rowsBelow === 0) {
    system.stderr.write('Stopped before any row was acknowledged.\n');
    return;
  }
  const next = isFileAtFault ? 'The corrected file is loaded from its start; rows that are there already are written again.' : 'The same command continues there.';
  system.stderr.write(`Stopped at row ${formatCount(rowsBelow)}; everything below it is acknowledged. ${next}\n`);
}

async function runLoadCommand(file: string, options: LoadCommandOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const connection = await connect(globals, system);
  const planned = await plan(file, options, connection, system);
  const { dataset, embedding, earlier, progressPath } = planned;
  if (earlier?.isComplete === true) {
    system.stdout.write(`${dataset.path} is loaded: ${formatCount(earlier.rowsBelow)} vectors in ${embedding.name}; --restart loads it again.\n`);
    system.stdout.write(`Receipt: ${JSON.stringify(earlier.receipt)}\n`);
    return;
  }
  announce(planned, system);
  const patient = connection.withPatience({ retries: CLI_LIMITS.loadRetries, timeoutMs: CLI_LIMITS.loadTimeoutMs });
  const result = await runLoad({
    dataset,
    handle: patient.embedding(embedding.name),
    keyPrefix: options.keyPrefix,
    batchVectors: options.batch,
    inFlight: options.inFlight,
    wait: options.wait,
    progressPath,
    start: earlier ?? { rowsBelow: 0, receipt: {} },
    output: system.stderr,
    nowMs: system.nowMs,
    interrupt: system.interrupt,
  }).catch(async (error: unknown) => {
    const kept = await readProgress(progressPath);
    if (kept !== undefined) sayWhereItStopped(kept.rowsBelow, system, error instanceof DatasetError);
    throw error;
  });
  if (!result.isComplete) {
    sayWhereItStopped(result.rowsBelow, system);
    throw new CommandFailure(INTERRUPTED_EXIT_CODE);
  }
  await finish(result, planned, options, connection, system);
}

export function addLoadCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('load <file>')
    .description('load a file of vectors; an interrupted load continues where it stopped')
    .requiredOption('--embedding <name>', 'embedding to load into')
    .option('--format <format>', `${DATASET_FORMATS.join(', ')} (default: by the extension)`, oneOf(DATASET_FORMATS))
    .option('--model <model>', 'register the embedding with this model when it is missing')
    .option('--distance <distance>', `${DISTANCES.join(', ')}; with --model`, oneOf(DISTANCES))
    .option('--partitions <count>', 'with --model', wholeNumber(1, LIMITS.partitions))
    .option('--memory <memory>', `what stays in memory, ${VECTOR_MEMORIES.join(' or ')}; with --model`, oneOf(VECTOR_MEMORIES))
    .option('--key-prefix <prefix>', 'keys are the prefix and the row number where the file has none', '')
    .option('--batch <vectors>', 'vectors in one request', wholeNumber(1, LIMITS.vectorsPerRequest), 500)
    .option('--in-flight <requests>', 'requests under way at once', wholeNumber(1, 64), 4)
    .option('--wait <until>', WAITS.join(' or '), oneOf(WAITS), 'logged')
    .option('--no-wait-applied', 'do not wait at the end until everything is searchable')
    .option('--restart', 'begin anew, whatever an earlier run has loaded', false)
    .option('--progress-dir <folder>', 'where loads keep their place', '.shoal/loads');
  addConnectionOptions(command, true).action(async (file: string, options: LoadCommandOptions) => {
    await runLoadCommand(file, options, connectionOf(command), system);
  });
}
