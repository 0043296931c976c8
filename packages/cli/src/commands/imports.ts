/** `shoal imports`: list, show, follow, pause, resume, cancel, delete, report. */
import type { ImportResponse } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { pathFrom } from '../option-parsers.ts';
import { formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';
import { fetchReport, followImport, progressText } from './server-import.ts';

function importTable(imports: readonly ImportResponse[]): string {
  const columns = [{ title: 'id' }, { title: 'embedding' }, { title: 'state' }, { title: 'rows', align: 'right' as const }, { title: 'in', align: 'right' as const }, { title: 'rejected', align: 'right' as const }, { title: 'since' }];
  return textTable(columns, imports.map(({ id, embedding, state, rows, accepted, rejected, createdAt }) => [id, embedding, state, formatCount(rows), formatCount(accepted), formatCount(rejected), createdAt]));
}

export function addImportsCommand(program: Command, system: CliSystem): void {
  const imports = program.command('imports').description('manage imports that the server carries on by itself');
  const clientOf = async (command: Command) => (await connect(connectionOf(command), system)).client;
  const sub = (definition: string, description: string): Command => addConnectionOptions(imports.command(definition).description(description), true);

  sub('list', 'list imports')
    .option('--json', 'print JSON', false)
    .action(async ({ json }: { readonly json: boolean }, command: Command) => {
      const all = await (await clientOf(command)).imports.list();
      system.stdout.write(json ? `${JSON.stringify(all)}\n` : importTable(all));
    });
  sub('show <id>', 'tell how far an import is')
    .option('--json', 'print JSON', false)
    .action(async (id: string, { json }: { readonly json: boolean }, command: Command) => {
      const status = await (await clientOf(command)).imports.get(id);
      system.stdout.write(`${json ? JSON.stringify(status) : progressText(status)}\n`);
    });
  sub('follow <id>', 'tell how far an import is until it ends').action(async (id: string, _options: object, command: Command) => {
    system.stdout.write(`${progressText(await followImport(await clientOf(command), id, system))}\n`);
  });
  for (const [verb, description] of [['pause', 'pause an import; what is in stays in'], ['resume', 'resume an import that is paused or has failed'], ['cancel', 'cancel an import; what is in stays in']] as const) {
    sub(`${verb} <id>`, description).action(async (id: string, _options: object, command: Command) => {
      system.stdout.write(`${progressText(await (await clientOf(command)).imports[verb](id))}\n`);
    });
  }
  sub('delete <id>', 'forget an import that has ended; its vectors stay').action(async (id: string, _options: object, command: Command) => {
    await (await clientOf(command)).imports.delete(id);
    system.stdout.write(`${id} is forgotten\n`);
  });
  sub('report <id> <file>', 'write the rejected rows into a file, one JSON object a line').action(async (id: string, file: string, _options: object, command: Command) => {
    const path = pathFrom(system.workingDirectory, file);
    const count = await fetchReport(await clientOf(command), id, path);
    system.stdout.write(count === 0 ? 'No row was rejected.\n' : `${formatCount(count)} rejected rows are in ${path}\n`);
  });
}
