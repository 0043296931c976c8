/** `shoal bench`: writers and readers at once, against a gateway or against the engine alone. */
import { writeFile } from 'node:fs/promises';
import type { BenchConfig, BenchResult, BenchTarget, GeneratedDataOptions } from '@shoal/bench/load';
import { LIMITS, ShoalError } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { fraction, pathFrom, wholeNumber } from '../option-parsers.ts';

/** Loaded on demand: it brings the engine, which the other commands do not need. */
type LoadModule = typeof import('@shoal/bench/load');

export interface BenchCommandOptions {
  readonly preset: string;
  readonly engine: boolean;
  readonly writers?: number;
  readonly readers?: number;
  readonly seconds?: number;
  readonly warmUp: number;
  readonly rows: number;
  readonly dim: number;
  readonly k: number;
  readonly ef: number;
  readonly m: number;
  readonly efConstruction: number;
  readonly batchSize: number;
  readonly searchRate?: number;
  readonly insertRate?: number;
  readonly recallSamples: number;
  readonly seed: number;
  readonly minRecall?: number;
  readonly json?: string;
}

/** The shape of a preset, with whatever the options say instead; `custom` needs all of it from the options. */
export function configOf(options: BenchCommandOptions, { PRESETS, PRESET_NAMES }: Pick<LoadModule, 'PRESETS' | 'PRESET_NAMES'>): BenchConfig {
  const preset = [...PRESET_NAMES, 'custom' as const].find((name) => name === options.preset);
  if (preset === undefined) throw new ShoalError('invalid_field', `--preset must be one of ${[...PRESET_NAMES, 'custom'].join(', ')}.`, { field: 'preset' });
  const shape = preset === 'custom' ? undefined : PRESETS[preset];
  const required = (name: 'writers' | 'readers' | 'seconds'): number => {
    const value = options[name] ?? shape?.[name];
    if (value === undefined) throw new ShoalError('missing_field', `A custom load needs --${name}.`, { field: name });
    return value;
  };
  const { warmUp, rows, k, ef, m, efConstruction, batchSize, searchRate, insertRate, recallSamples, seed } = options;
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

async function openTarget(load: LoadModule, options: BenchCommandOptions, config: BenchConfig, dataOptions: GeneratedDataOptions, globals: ConnectionOptions, system: CliSystem): Promise<OpenTarget & { data: ReturnType<LoadModule['generatedData']> }> {
  const data = load.generatedData(dataOptions);
  const { m, efConstruction } = config;
  if (options.engine) {
    const target = await load.EngineTarget.start({ data, m, efConstruction, searchThreadCount: 1 });
    return { data, target, close: () => target.close() };
  }
  const { client, url, apiKey } = await connect(globals, system);
  if (apiKey === undefined) throw new ShoalError('unauthorized', 'The benchmark needs a key that may register an embedding: --api-key or SHOAL_API_KEY.');
  // Its own embedding each time: a benchmark neither reads nor changes anybody's vectors.
  const model = `bench-${system.nowMs()}`;
  const { handle } = await client.register({ name: model, model, dim: options.dim, distance: 'l2', hnsw: { m, efConstruction } });
  const { mode, shards, bus } = await client.cluster();
  const description = mode === 'embedded' ? 'an embedded node' : `a cluster of ${shards.length} shard${shards.length === 1 ? '' : 's'}, ${bus.description}`;
  const target = new load.HttpTarget({ url, apiKey, embedding: handle.name, data, description, processIds: [] });
  return { data, target, close: async () => { await target.close(); await handle.drop(); } };
}

async function runBenchCommand(options: BenchCommandOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const load = await import('@shoal/bench/load');
  const config = configOf(options, load);
  const say = (line: string): void => system.stderr.write(`${line}\n`);
  const dataOptions = { seed: config.seed, dim: options.dim, rows: config.rows, extraRows: config.writers === 0 ? 0 : CLI_LIMITS.benchExtraRows, queries: CLI_LIMITS.benchQueries };
  const { target, data, close } = await openTarget(load, options, config, dataOptions, globals, system);
  let result: BenchResult;
  try {
    result = await load.runBenchmark({ target, data, config, nowMs: () => performance.now(), say, signal: system.interrupt });
  } finally {
    await close();
  }
  if (options.json !== undefined) await writeFile(pathFrom(system.workingDirectory, options.json), `${JSON.stringify(result, undefined, 2)}\n`);
  system.stdout.write(load.markdownReport(result));
  const errorCount = [result.searches, result.inserts].flatMap(({ errors }) => Object.values(errors)).reduce((sum, count) => sum + count, 0);
  if (errorCount > 0) {
    system.stderr.write(`shoal: ${errorCount} operations failed.\n`);
    throw new CommandFailure(1);
  }
  if (options.minRecall !== undefined && (result.recall?.mean ?? 0) < options.minRecall) {
    system.stderr.write(`shoal: the recall under load is below the wanted ${options.minRecall}.\n`);
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
    .option('--rows <count>', 'vectors in the database when the load begins', wholeNumber(1, CLI_LIMITS.benchRows), 100_000)
    .option('--dim <components>', 'components of a vector', wholeNumber(1, LIMITS.dim), 128)
    .option('--k <count>', 'neighbours per search', wholeNumber(1, 100), 10)
    .option('--ef <size>', 'candidates of a search', wholeNumber(1, LIMITS.ef), 100)
    .option('--m <count>', 'neighbours per vector and layer', wholeNumber(2, LIMITS.hnswM), 16)
    .option('--ef-construction <size>', 'candidates of an insert', wholeNumber(1, LIMITS.hnswEfConstruction), 200)
    .option('--batch-size <vectors>', 'vectors per write; 1 is one transaction per vector', wholeNumber(1, 1_000), 16)
    .option('--search-rate <rate>', 'searches begun per second, whatever became of those before (open loop)', wholeNumber(1, 1_000_000))
    .option('--insert-rate <rate>', 'vectors written per second, likewise', wholeNumber(1, 1_000_000))
    .option('--recall-samples <count>', 'answers that are held against the exact ones', wholeNumber(1, 2_000), 200)
    .option('--seed <seed>', 'of the generated vectors', wholeNumber(0, LIMITS.seed), 1)
    .option('--min-recall <recall>', 'exit with 1 when the recall is lower', fraction)
    .option('--json <file>', 'also write the result as JSON');
  addConnectionOptions(command, true).action(async (options: BenchCommandOptions) => {
    await runBenchCommand(options, connectionOf(command), system);
  });
}
