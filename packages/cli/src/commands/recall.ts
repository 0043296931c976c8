/** `shoal recall NAME`: recall against ground truth and speed, for every wanted path and ef. */
import { openDataset, readIvecs } from '@shoal/bench/datasets';
import { LIMITS, SEARCH_PATHS, ShoalError, type SearchPath } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { fraction, pathFrom, someOf, wholeNumber, wholeNumbers } from '../option-parsers.ts';
import { measureRecall, type RecallFigures, type RecallSetting } from '../recall/measure-recall.ts';
import { formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';

export interface RecallCommandOptions {
  readonly queries: string;
  readonly truth: string;
  readonly k: number;
  readonly ef: readonly number[];
  readonly path: readonly SearchPath[];
  readonly keyPrefix: string;
  readonly inFlight: number;
  readonly minRecall?: number;
  readonly json: boolean;
}

async function readQueries(path: string): Promise<Float32Array[]> {
  const queries: Float32Array[] = [];
  for await (const { values } of (await openDataset(path)).rows()) {
    queries.push(values);
    if (queries.length > CLI_LIMITS.recallQueries) {
      throw new ShoalError('invalid_field', `${path} has more than ${CLI_LIMITS.recallQueries} queries.`, { field: 'queries', limit: CLI_LIMITS.recallQueries });
    }
  }
  return queries;
}

/** A scan has no candidate list, so it runs once whatever ef says. */
function settingsOf({ path, ef }: Pick<RecallCommandOptions, 'path' | 'ef'>): RecallSetting[] {
  return path.flatMap((one) => (one === 'flat' ? ef.slice(0, 1) : ef).map((size) => ({ path: one, ef: size })));
}

function recallTable(all: readonly RecallFigures[], k: number): string {
  const figures = ['ef', `recall@${k}`, 'searches/s', 'p50 ms', 'p99 ms'].map((title) => ({ title, align: 'right' as const }));
  return textTable(
    [{ title: 'path' }, ...figures],
    all.map((row) => [
      row.path === row.pathsTaken.join('+') ? row.path : `${row.path} (${row.pathsTaken.join('+')})`,
      row.path === 'flat' ? '-' : String(row.ef),
      row.recall.toFixed(4),
      formatCount(row.searchesPerSecond),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
    ]),
  );
}

async function runRecallCommand(name: string, options: RecallCommandOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const { client } = await connect(globals, system);
  const queries = await readQueries(pathFrom(system.workingDirectory, options.queries));
  const truth = await readIvecs(pathFrom(system.workingDirectory, options.truth));
  const { k, keyPrefix, inFlight, minRecall } = options;
  if (queries.length === 0 || truth.length < queries.length) {
    throw new ShoalError('invalid_field', `${queries.length} queries need as many rows of ground truth; there are ${truth.length}.`, { field: 'truth' });
  }
  const input = {
    handle: client.embedding(name),
    queries,
    truth: truth.slice(0, queries.length),
    k,
    keyOf: (row: number) => `${keyPrefix}${row}`,
    inFlight,
    clockMs: () => performance.now(),
    signal: system.interrupt,
  };
  const all: RecallFigures[] = [];
  for (const setting of settingsOf(options)) all.push(await measureRecall(input, setting));
  if (options.json) system.stdout.write(`${JSON.stringify({ embedding: name, k, queryCount: queries.length, inFlight, rows: all })}\n`);
  else {
    system.stdout.write(recallTable(all, k));
    system.stdout.write(`${formatCount(queries.length)} queries, ${inFlight} at a time over HTTP, after up to ${CLI_LIMITS.recallWarmUpQueries} untimed ones\n`);
  }
  const lowest = Math.min(...all.map((row) => row.recall));
  if (minRecall !== undefined && lowest < minRecall) {
    system.stderr.write(`shoal: recall ${lowest.toFixed(4)} is below the wanted ${minRecall}.\n`);
    throw new CommandFailure(1);
  }
}

export function addRecallCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('recall <name>')
    .description('measure recall against ground truth, with the speed beside it')
    .requiredOption('--queries <file>', 'file of query vectors')
    .requiredOption('--truth <file>', 'ivecs file: rows of the true neighbours, nearest first')
    .option('--k <count>', 'neighbours that count', wholeNumber(1, LIMITS.k), 10)
    .option('--ef <sizes>', 'one or more, as 50,100,200', wholeNumbers(1, LIMITS.ef), [100])
    .option('--path <paths>', `one or more of ${SEARCH_PATHS.join(',')}`, someOf(SEARCH_PATHS), ['auto'])
    .option('--key-prefix <prefix>', 'the prefix with which the vectors were loaded', '')
    .option('--in-flight <searches>', 'searches under way at once', wholeNumber(1, CLI_LIMITS.recallInFlight), 1)
    .option('--min-recall <recall>', 'exit with 1 when any recall is lower', fraction)
    .option('--json', 'print JSON', false);
  addConnectionOptions(command, true).action(async (name: string, options: RecallCommandOptions) => {
    await runRecallCommand(name, options, connectionOf(command), system);
  });
}
