/** `shoal key`: create, list, revoke. */
import type { KeyDescription } from '@shoal/client';
import { KEY_ROLES, type KeyRole } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { oneOf, words } from '../option-parsers.ts';
import { textTable } from '../text/text-table.ts';

interface TenantOption {
  readonly tenant?: string;
}

interface CreateOptions extends TenantOption {
  readonly role: KeyRole;
  readonly name?: string;
  readonly embeddings?: readonly string[];
  readonly expires?: string;
  readonly json: boolean;
}

function keyTable(keys: readonly KeyDescription[]): string {
  return textTable([{ title: 'id' }, { title: 'role' }, { title: 'name' }, { title: 'embeddings' }, { title: 'expires' }, { title: 'created' }],
    keys.map(({ id, role, name, embeddings, expiresAt, createdAt }) => [id, role, name ?? '', embeddings?.join(', ') ?? 'all', expiresAt ?? 'never', createdAt]));
}

export function addKeyCommand(program: Command, system: CliSystem): void {
  const key = program.command('key').description('manage the API keys of a tenant');
  const clientOf = async ({ tenant }: TenantOption, command: Command) => (await connect(connectionOf(command), system, tenant)).client;
  const sub = (definition: string, description: string): Command =>
    addConnectionOptions(key.command(definition).description(description).option('--tenant <tenant>', 'the tenant, with the root key (default: the default tenant)'), true);

  sub('create', 'create a key and print it; it is never shown again')
    .requiredOption('--role <role>', KEY_ROLES.join(', '), oneOf(KEY_ROLES))
    .option('--name <name>', 'for people')
    .option('--embeddings <names>', 'the embeddings it is for, separated by commas (default: all)', words)
    .option('--expires <time>', 'from when on it is refused, such as 2030-01-31T12:00:00Z')
    .option('--json', 'print JSON', false)
    .action(async ({ json, expires, ...options }: CreateOptions, command: Command) => {
      const { role, name, embeddings } = options;
      const created = await (await clientOf(options, command)).keys.create({
        role, ...(name === undefined ? {} : { name }), ...(embeddings === undefined ? {} : { embeddings }), ...(expires === undefined ? {} : { expiresAt: expires }),
      });
      system.stdout.write(json ? `${JSON.stringify(created)}\n` : `${created.key}\n`);
    });
  sub('list', 'list keys')
    .option('--json', 'print JSON', false)
    .action(async (options: TenantOption & { readonly json: boolean }, command: Command) => {
      const keys = await (await clientOf(options, command)).keys.list();
      system.stdout.write(options.json ? `${JSON.stringify(keys)}\n` : keyTable(keys));
    });
  sub('revoke <id>', 'revoke a key, everywhere within a second').action(async (id: string, options: TenantOption, command: Command) => {
    await (await clientOf(options, command)).keys.revoke(id);
    system.stdout.write(`${id} is revoked\n`);
  });
}
