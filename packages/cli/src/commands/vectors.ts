/** `shoal count`, `shoal scroll`, `shoal delete`, `shoal fields`: vectors by filters on their payloads. */
import type { Filter } from '@shoal/client';
import { FIELD_TYPES, INCLUDES, type FieldType } from '@shoal/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { filterJson, someOf, wholeNumber, words } from '../option-parsers.ts';
import { formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';

interface FilterOption {
  readonly filter?: Filter;
}

interface ScrollOptions extends FilterOption {
  readonly include?: readonly ('values' | 'payload')[];
  readonly limit?: number;
}

/** `colour=keyword,year=integer`. */
function fieldTypes(text: string): Record<string, FieldType> {
  return Object.fromEntries(words(text).map((word) => {
    const [name = '', type] = word.split('=');
    const known = FIELD_TYPES.find((choice) => choice === type);
    if (name === '' || known === undefined) throw new InvalidArgumentError(`It must be names with types, such as colour=keyword,year=integer; types are ${FIELD_TYPES.join(', ')}.`);
    return [name, known];
  }));
}

export function addVectorCommands(program: Command, system: CliSystem): void {
  const handleOf = async (name: string, command: Command) => (await connect(connectionOf(command), system)).client.embedding(name);
  const filterHelp = 'only vectors that pass, as \'{"field":"colour","equals":"red"}\'';

  addConnectionOptions(program.command('count <name>').description('count vectors'), true)
    .option('--filter <json>', filterHelp, filterJson)
    .action(async (name: string, { filter }: FilterOption, command: Command) => {
      const count = await (await handleOf(name, command)).count({ ...(filter === undefined ? {} : { filter }), signal: system.interrupt });
      system.stdout.write(`${count}\n`);
    });

  addConnectionOptions(program.command('scroll <name>').description('print vectors as lines of JSON, in an order that does not change'), true)
    .option('--filter <json>', filterHelp, filterJson)
    .option('--include <parts>', INCLUDES.join(','), someOf(INCLUDES))
    .option('--limit <count>', 'vectors at most (default: all)', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action(async (name: string, { filter, include, limit = Number.POSITIVE_INFINITY }: ScrollOptions, command: Command) => {
      const handle = await handleOf(name, command);
      let left = limit;
      for await (const { values, ...vector } of handle.scroll({ ...(filter === undefined ? {} : { filter }), ...(include === undefined ? {} : { include }), signal: system.interrupt })) {
        system.stdout.write(`${JSON.stringify(values === undefined ? vector : { ...vector, values: Array.from(values) })}\n`);
        left -= 1;
        if (left === 0) return;
      }
    });

  addConnectionOptions(program.command('delete <name>').description('delete vectors by a filter'), true)
    .requiredOption('--filter <json>', filterHelp, filterJson)
    .action(async (name: string, { filter }: Required<FilterOption>, command: Command) => {
      const { deleted } = await (await handleOf(name, command)).deleteMatching(filter, { wait: 'applied', signal: system.interrupt });
      system.stdout.write(deleted === undefined ? 'deleted; the shards no longer know how many\n' : `${formatCount(deleted)} deleted\n`);
    });

  addConnectionOptions(program.command('fields <name>').description('list declared fields of payloads, or declare more'), true)
    .option('--declare <types>', 'such as colour=keyword,year=integer', fieldTypes)
    .action(async (name: string, { declare }: { readonly declare?: Record<string, FieldType> }, command: Command) => {
      const handle = await handleOf(name, command);
      const { fields } = declare === undefined ? await handle.describe() : await handle.declareFields(declare);
      system.stdout.write(textTable([{ title: 'field' }, { title: 'type' }], Object.entries(fields)));
    });
}
