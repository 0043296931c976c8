/** `shoal alias`: list, set, delete. */
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { textTable } from '../text/text-table.ts';

export function addAliasCommand(program: Command, system: CliSystem): void {
  const alias = program.command('alias').description('manage further names of embeddings');
  const aliasesOf = async (command: Command) => (await connect(connectionOf(command), system)).client.aliases;
  const sub = (definition: string, description: string): Command => addConnectionOptions(alias.command(definition).description(description), true);

  sub('list', 'list aliases')
    .option('--json', 'print JSON', false)
    .action(async ({ json }: { readonly json: boolean }, command: Command) => {
      const aliases = await (await aliasesOf(command)).list();
      system.stdout.write(json ? `${JSON.stringify(aliases)}\n` : textTable([{ title: 'alias' }, { title: 'embedding' }, { title: 'code', align: 'right' }], aliases.map((one) => [one.alias, one.embedding, String(one.code)])));
    });
  sub('set <alias> <embedding>', 'point an alias at an embedding, in one step').action(async (name: string, embedding: string, _options: object, command: Command) => {
    await (await aliasesOf(command)).set(name, embedding);
    system.stdout.write(`${name} names ${embedding}\n`);
  });
  sub('delete <alias>', 'delete an alias; its embedding stays').action(async (name: string, _options: object, command: Command) => {
    await (await aliasesOf(command)).delete(name);
    system.stdout.write(`${name} is deleted\n`);
  });
}
