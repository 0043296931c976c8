/** `shoal bench`: writers and readers at once, against a gateway or against the engine alone. */
import { readFile, writeFile } from 'node:fs/promises';
import type { BenchConfig, BenchData, BenchResult, BenchTarget } from '@shoal/bench/load';
import type { ShoalClient } from '@shoal/client';
import { DISTANCES, LIMITS, ShoalError, type Distance } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { fraction, oneOf, pathFrom, wholeNumber, wholeNumbers } from '../option-parsers.ts';

/** Loaded on demand: it brings the engine, which the other commands do not need. */
type LoadModule = typeof import('@shoal/bench/load');

export interface BenchCommandOptions {
  readonly preset: string;
  readonly engine: boolean;
  readonly writers?: number;
  readonly readers?: number;
  readonly seconds?: number;
  readonly warmUp: number;
  readonly rows?: number;
  readonly dim: number;
  readonly k: number;
  readonly ef: number;
  readonly m: number;
  readonly efConstruction: number;
  readonly batchSize?: number;
  readonly searchRate?: number;
  readonly insertRate?: number;
  readonly recallSamples: number;
  readonly seed: number;
  readonly minRecall?: number;
  readonly dataset?: string;
  readonly queries?: string;
  readonly groundTruth?: string;
  readonly distance?: Distance;
  readonly pids?: readonly number[];
  readonly efSweep?: readonly number[];
  readonly sweepSeconds: number;
  readonly json?: string;
  readonly csv?: string;
  readonly markdown?: string;
  readonly html?: string;
  readonly compare?: string;
  readonly result?: string;
}

/** The shape of a preset, with whatever the options say instead; `custom` needs all of it from the options. `fileRows` is how many vectors a dataset has, all of which are filled in unless the options say how many. */
export function configOf(options: BenchCommandOptions, { PRESETS, PRESET_NAMES }: Pick<LoadModule, 'PRESETS' | 'PRESET_NAMES'>, fileRows?: number): BenchConfig {
  const preset = [...PRESET_NAMES, 'custom' as const].find((name) => name === options.preset);
  if (preset === undefined) throw new ShoalError('invalid_field', `--preset must be one of ${[...PRESET_NAMES, 'custom'].join(', ')}.`, { field: 'preset' });
  const shape = preset === 'custom' ? undefined : PRESETS[preset];
  const required = (name: 'writers' | 'readers' | 'seconds'): number => {
    const value = options[name] ?? shape?.[name];
    if (value === undefined) throw new ShoalError('missing_field', `A custom load needs --${name}.`, { field: name });
    return value;
  };
  const { warmUp, rows = fileRows ?? CLI_LIMITS.benchDefaultRows, k, ef, m, efConstruction, batchSize = shape?.batchSize ?? CLI_LIMITS.benchDefaultBatch, searchRate, insertRate, recallSamples, seed } = options;
  const config: BenchConfig = {
    preset, writers: required('writers'), readers: required('readers'), seconds: required('seconds'), warmUpSeconds: warmUp,
    rows, m, efConstruction, search: { k, ef, path: 'auto' }, batchSize, recallSamples, seed,
    ...(searchRate === undefined ? {} : { searchRate }), ...(insertRate === undefined ? {} : { insertRate }),
  };
  if (config.writers + config.readers === 0) throw new ShoalError('invalid_field', 'A load needs at least one writer or reader.', { field: 'readers' });
  return config;
}

interface OpenTarget {
  readonly target: BenchTarget;
  /** Removes what the benchmark made. */
  close(): Promise<void>;
}

interface Planned {
  readonly config: BenchConfig;
  readonly data: BenchData;
}

async function plan(load: LoadModule, options: BenchCommandOptions, system: CliSystem): Promise<Planned> {
  const { dataset, queries, groundTruth, dim, distance, rows } = options;
  const config = configOf(options, load);
  const extraRows = config.writers === 0 ? 0 : CLI_LIMITS.benchExtraRows;
  const ofDistance = distance === undefined ? {} : { distance };
  if (dataset === undefined) {
    const alone = queries === undefined ? (groundTruth === undefined ? undefined : 'ground-truth') : 'queries';
    if (alone !== undefined) throw new ShoalError('missing_field', `--${alone} belongs to a dataset: --dataset.`, { field: 'dataset' });
    return { config, data: { ...load.generatedData({ seed: config.seed, dim, rows: config.rows, extraRows, queries: CLI_LIMITS.benchQueries }), ...ofDistance } };
  }
  const file = (path: string): string => pathFrom(system.workingDirectory, path);
  const data = await load.fileData({
    dataset: file(dataset), ...(queries === undefined ? {} : { queries: file(queries) }), ...(groundTruth === undefined ? {} : { groundTruth: file(groundTruth) }), ...ofDistance,
    maximumRows: rows === undefined ? CLI_LIMITS.benchRows : rows + extraRows, maximumQueries: CLI_LIMITS.benchQueries });
  return { config: configOf(options, load, data.data.count), data };
}

/** What the load runs against, as far as the key shows it. */
async function descriptionOf(client: ShoalClient): Promise<string> {
  try {
    const { mode, shards, bus } = await client.cluster();
    return mode === 'embedded' ? 'an embedded node' : `a cluster of ${shards.length} shard${shards.length === 1 ? '' : 's'}, ${bus.description}`;
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'forbidden') return 'a gateway';
    throw error;
  }
}

async function openTarget(load: LoadModule, options: BenchCommandOptions, { m, efConstruction }: BenchConfig, data: BenchData, globals: ConnectionOptions, system: CliSystem): Promise<OpenTarget> {
  if (options.engine) {
    const target = await load.EngineTarget.start({ data, m, efConstruction, searchThreadCount: 1 });
    return { target, close: () => target.close() };
  }
  const { client, url, apiKey } = await connect(globals, system);
  if (apiKey === undefined) throw new ShoalError('unauthorized', 'The benchmark needs a key that may register an embedding: --api-key or SHOAL_API_KEY.');
  // Its own embedding each time: a benchmark neither reads nor changes anybody's vectors.
  const model = `bench-${system.nowMs()}`;
  const { handle } = await client.register({ name: model, model, dim: data.data.dim, distance: data.distance, hnsw: { m, efConstruction } });
  const description = await descriptionOf(client);
  const target = new load.HttpTarget({ url, apiKey, embedding: handle.name, data, description, processIds: options.pids ?? [] });
  return { target, close: async () => { await target.close(); await handle.drop(); } };
}

async function measure(load: LoadModule, options: BenchCommandOptions, globals: ConnectionOptions, system: CliSystem): Promise<BenchResult> {
  const { config, data } = await plan(load, options, system);
  const { target, close } = await openTarget(load, options, config, data, globals, system);
  const { efSweep: efs, sweepSeconds: secondsPerEf } = options;
  try {
    return await load.runBenchmark({
      target, data, config, nowMs: () => performance.now(), say: (line) => system.stderr.write(`${line}\n`), signal: system.interrupt,
      ...(efs === undefined ? {} : { sweep: { efs, secondsPerEf } }) });
  } finally {
    await close();
  }
}

async function runBenchCommand(options: BenchCommandOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const load = await import('@shoal/bench/load');
  const readResult = async (file: string): Promise<BenchResult> => load.parseResultFile(file, await readFile(pathFrom(system.workingDirectory, file), 'utf8'));
  // Read first: a file that is no result must not be found out after minutes of load.
  const earlier = options.compare === undefined ? undefined : await readResult(options.compare);
  const result = options.result === undefined ? await measure(load, options, globals, system) : await readResult(options.result);
  const save = async (file: string | undefined, text: () => string): Promise<void> => {
    if (file !== undefined) await writeFile(pathFrom(system.workingDirectory, file), text());
  };
  await save(options.json, () => `${JSON.stringify(result, undefined, 2)}\n`);
  await save(options.csv, () => load.csvReport(result));
  await save(options.markdown, () => load.markdownReport(result));
  await save(options.html, () => load.htmlReport(result, earlier));
  system.stdout.write(load.markdownReport(result));
  if (earlier !== undefined) system.stdout.write(`\n${load.compareResults(earlier, result)}`);
  judge(result, options.minRecall, system);
}

/** A run with failed operations or too low a recall ends the command with 1. */
function judge({ searches, inserts, recall }: BenchResult, minRecall: number | undefined, system: CliSystem): void {
  const errorCount = [searches, inserts].flatMap(({ errors }) => Object.values(errors)).reduce((sum, count) => sum + count, 0);
  if (errorCount > 0) {
    system.stderr.write(`shoal: ${errorCount} operations failed.\n`);
    throw new CommandFailure(1);
  }
  if (minRecall !== undefined && (recall?.mean ?? 0) < minRecall) {
    system.stderr.write(`shoal: the recall under load is below the wanted ${minRecall}.\n`);
    throw new CommandFailure(1);
  }
}

export function addBenchCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('bench')
    .description('load a gateway with writers and readers at once; recall is measured along with speed')
    .option('--preset <name>', 'read-heavy, write-heavy, balanced, stress or custom', 'read-heavy')
    .option('--engine', 'measure the engine alone, in this process', false)
    .option('--writers <count>', 'instead of those of the preset', wholeNumber(0, CLI_LIMITS.benchCallers))
    .option('--readers <count>', 'instead of those of the preset', wholeNumber(0, CLI_LIMITS.benchCallers))
    .option('--seconds <time>', 'instead of the time of the preset', wholeNumber(1, CLI_LIMITS.benchSeconds))
    .option('--warm-up <seconds>', 'load before the measured time', wholeNumber(0, CLI_LIMITS.benchSeconds), 3)
    .option('--rows <count>', `vectors in the database when the load begins (default: ${CLI_LIMITS.benchDefaultRows}, or all of the dataset)`, wholeNumber(1, CLI_LIMITS.benchRows))
    .option('--dim <components>', 'components of a vector', wholeNumber(1, LIMITS.dim), 128)
    .option('--k <count>', 'neighbours per search', wholeNumber(1, 100), 10)
    .option('--ef <size>', 'candidates of a search', wholeNumber(1, LIMITS.ef), 100)
    .option('--m <count>', 'neighbours per vector and layer', wholeNumber(2, LIMITS.hnswM), 16)
    .option('--ef-construction <size>', 'candidates of an insert', wholeNumber(1, LIMITS.hnswEfConstruction), 200)
    .option('--batch-size <vectors>', 'vectors per write instead of those of the preset; 1 is one transaction per vector', wholeNumber(1, 1_000))
    .option('--search-rate <rate>', 'searches begun per second, whatever became of those before (open loop)', wholeNumber(1, 1_000_000))
    .option('--insert-rate <rate>', 'vectors written per second, likewise', wholeNumber(1, 1_000_000))
    .option('--recall-samples <count>', 'answers that are held against the exact ones', wholeNumber(1, 2_000), 200)
    .option('--seed <seed>', 'of the generated vectors', wholeNumber(0, LIMITS.seed), 1)
    .option('--min-recall <recall>', 'exit with 1 when the recall is lower', fraction)
    .option('--dataset <file>', 'vectors instead of generated ones: fvecs, bvecs, npy, jsonl, ndjson or hdf5 (of ann-benchmarks, with its queries, neighbours and distance)')
    .option('--queries <file>', 'queries in any of these formats; a dataset of hdf5 brings its own')
    .option('--ground-truth <file>', 'ivecs: the rows of the nearest neighbours of each query; found by scanning where absent')
    .option('--distance <name>', `${DISTANCES.join(', ')} (default: that of the dataset, or l2)`, oneOf(DISTANCES))
    .option('--pids <list>', 'processes of the database on this machine, whose CPU time and memory are reported', wholeNumbers(1, CLI_LIMITS.processId))
    .option('--ef-sweep <list>', 'run the load again at each ef: recall against throughput', wholeNumbers(1, LIMITS.ef))
    .option('--sweep-seconds <time>', 'load per ef of the sweep', wholeNumber(1, CLI_LIMITS.benchSeconds), 5)
    .option('--json <file>', 'also write the result as JSON')
    .option('--csv <file>', 'as CSV')
    .option('--markdown <file>', 'as Markdown, which is also printed')
    .option('--html <file>', 'as a page with plots')
    .option('--compare <file>', 'print the result beside an earlier one, kept by --json')
    .option('--result <file>', 'report on this result, kept by --json, instead of running a load');
  addConnectionOptions(command, true).action(async (options: BenchCommandOptions) => {
    await runBenchCommand(options, connectionOf(command), system);
  });
}
