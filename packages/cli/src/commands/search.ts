/** `shoal search NAME`: the neighbours of a vector, a stored key, or a row of a file, as a table. */
import { openDataset, readRow } from '@shoal/bench/datasets';
import type { Filter, Hit, ReceiptJson, SearchAnswer, SearchRequest } from '@shoal/client';
import { INCLUDES, LIMITS, SEARCH_PATHS, ShoalError, type SearchPath } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect, type ConnectionOptions } from '../connection.ts';
import { CLI_LIMITS } from '../limits.ts';
import { filterJson, finiteNumber, numberArray, oneOf, pathFrom, receiptJson, someOf, wholeNumber } from '../option-parsers.ts';
import { formatCount } from '../text/quantities.ts';
import { shorten, textTable, type Column } from '../text/text-table.ts';

export interface SearchCommandOptions {
  readonly vector?: readonly number[];
  /** The key of a stored vector. */
  readonly key?: string;
  readonly file?: string;
  readonly row: number;
  readonly k: number;
  readonly ef?: number;
  readonly path?: SearchPath;
  readonly include?: readonly ('values' | 'payload')[];
  readonly after?: ReceiptJson;
  readonly filter?: Filter;
  readonly maxDistance?: number;
  readonly offset?: number;
  readonly json: boolean;
}

type Query = { readonly vector: Float32Array | readonly number[] } | { readonly key: string };

async function queryOf({ vector, key, file, row }: SearchCommandOptions, system: CliSystem): Promise<Query> {
  const given = [vector, key, file].filter((query) => query !== undefined).length;
  if (given !== 1) throw new ShoalError('invalid_field', 'Say for what to search with one of --vector, --key and --file.', { field: 'vector' });
  if (vector !== undefined) return { vector };
  if (key !== undefined) return { key };
  const dataset = await openDataset(pathFrom(system.workingDirectory, file ?? ''));
  return { vector: await readRow(dataset, row) };
}

function hitTable(hits: readonly Hit[], include: readonly string[]): string {
  const columns: Column[] = [{ title: '#', align: 'right' }, { title: 'key' }, { title: 'distance', align: 'right' }];
  if (include.includes('payload')) columns.push({ title: 'payload' });
  if (include.includes('values')) columns.push({ title: 'values' });
  const rows = hits.map(({ key, distance, payload, values }, index) => [
    String(index + 1),
    shorten(key, CLI_LIMITS.payloadChars),
    distance.toFixed(6),
    ...(include.includes('payload') ? [shorten(payload === undefined ? '' : JSON.stringify(payload), CLI_LIMITS.payloadChars)] : []),
    ...(include.includes('values') ? [shorten(JSON.stringify(Array.from(values ?? [])), CLI_LIMITS.payloadChars)] : []),
  ]);
  return textTable(columns, rows);
}

function toJson({ hits, ...head }: SearchAnswer): string {
  const results = hits.map(({ values, ...hit }) => (values === undefined ? hit : { ...hit, values: Array.from(values) }));
  return `${JSON.stringify({ results, ...head })}\n`;
}

async function runSearchCommand(name: string, options: SearchCommandOptions, globals: ConnectionOptions, system: CliSystem): Promise<void> {
  const { client } = await connect(globals, system);
  const { k, ef, path, include, after, filter, maxDistance, offset } = options;
  const request: SearchRequest = {
    ...(await queryOf(options, system)),
    k,
    ...(ef === undefined ? {} : { ef }),
    ...(path === undefined ? {} : { path }),
    ...(include === undefined ? {} : { include }),
    ...(after === undefined ? {} : { after }),
    ...(filter === undefined ? {} : { filter }),
    ...(maxDistance === undefined ? {} : { maxDistance }),
    ...(offset === undefined ? {} : { offset }),
    signal: system.interrupt,
  };
  const answer = await client.embedding(name).search(request);
  if (options.json) {
    system.stdout.write(toJson(answer));
    return;
  }
  system.stdout.write(hitTable(answer.hits, include ?? []));
  system.stdout.write(`path ${answer.path}, ${formatCount(answer.distanceComputations)} distances, ${answer.tookMs.toFixed(2)} ms in the server\n`);
}

export function addSearchCommand(program: Command, system: CliSystem): void {
  const command = program
    .command('search <name>')
    .description('print the nearest neighbours of a vector, of a stored key, or of a row of a file')
    .option('--vector <json>', 'the vector, as "[0.1, 0.2, ...]"', numberArray)
    .option('--key <key>', 'the key of a stored vector')
    .option('--file <file>', 'a file of vectors, with --row')
    .option('--row <row>', 'row of the file, from 0', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--k <count>', 'neighbours wanted', wholeNumber(1, LIMITS.k), 10)
    .option('--ef <size>', 'candidates kept in the graph', wholeNumber(1, LIMITS.ef))
    .option('--path <path>', SEARCH_PATHS.join(', '), oneOf(SEARCH_PATHS))
    .option('--include <parts>', `${INCLUDES.join(',')}`, someOf(INCLUDES))
    .option('--filter <json>', 'only vectors that pass, as \'{"field":"colour","equals":"red"}\'', filterJson)
    .option('--max-distance <distance>', 'leave out what is farther away', finiteNumber)
    .option('--offset <count>', 'neighbours to skip', wholeNumber(0, LIMITS.offset))
    .option('--after <receipt>', 'wait for a write, by its receipt', receiptJson)
    .option('--json', 'print JSON', false);
  addConnectionOptions(command, false).action(async (name: string, options: SearchCommandOptions) => {
    await runSearchCommand(name, options, connectionOf(command), system);
  });
}
