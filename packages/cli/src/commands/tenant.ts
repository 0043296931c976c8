/** `shoal tenant`: create, list, show, update, delete, usage, audit. */
import type { AuditEvent, ShoalClient, TenantResponse, UsageResponse } from '@shoal/client';
import { QUOTA_NAMES, ShoalError, type QuotaName } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { quotaOrNone, wholeNumber } from '../option-parsers.ts';
import { formatBytes, formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';

type QuotaOptions = { readonly [Name in QuotaName]?: number | 'none' };
type Quotas = { readonly [Name in QuotaName]?: number | null };
interface Output {
  readonly json: boolean;
}

const optionOf = (name: QuotaName): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function addQuotaOptions(command: Command, parse: (text: string) => number | 'none'): Command {
  for (const name of QUOTA_NAMES) command.option(`${optionOf(name)} <count>`, `quota: ${optionOf(name).slice(2).replaceAll('-', ' ')}`, parse);
  return command;
}

function quotasOf(options: QuotaOptions): Quotas {
  return Object.fromEntries(QUOTA_NAMES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name] === 'none' ? null : options[name]]])));
}

const quotaText = (quotas: TenantResponse['quotas']): string => Object.entries(quotas).map(([name, value]) => `${name} ${formatCount(value ?? 0)}`).join(', ') || 'none';

function tenantTable(tenants: readonly TenantResponse[]): string {
  return textTable([{ title: 'tenant' }, { title: 'state' }, { title: 'quotas' }, { title: 'created' }], tenants.map(({ tenant, state, quotas, createdAt }) => [tenant, state, quotaText(quotas), createdAt]));
}

function usageText({ tenant, since, requests, refused, distances, vectorsWritten, bytesIn, bytesOut, stored, quotas }: UsageResponse): string {
  const lines = [
    `${tenant} has ${formatCount(stored.embeddings)} embeddings, ${formatCount(stored.vectors)} vectors, ${formatBytes(stored.bytes)}${stored.complete ? '' : ' (some partitions did not answer)'}; quotas: ${quotaText(quotas)}`,
    `since ${since}: ${formatCount(requests)} requests (${formatCount(refused)} refused), ${formatCount(distances)} distances, ${formatCount(vectorsWritten)} vectors written, ${formatBytes(bytesIn)} in, ${formatBytes(bytesOut)} out`,
  ];
  return `${lines.join('\n')}\n`;
}

function auditTable(events: readonly AuditEvent[]): string {
  return textTable([{ title: '#', align: 'right' }, { title: 'at' }, { title: 'act' }, { title: 'subject' }, { title: 'by' }], events.map(({ sequence, at, act, subject, by }) => [String(sequence), at, act, subject, by]));
}

/** Throws what tells how much would be lost. */
async function refuseUnconfirmed(name: string, client: ShoalClient): Promise<never> {
  const { stored } = await client.tenants.usage(name);
  throw new ShoalError('missing_field', `${name} has ${formatCount(stored.embeddings)} embeddings with ${formatCount(stored.vectors)} vectors, which would be lost for good along with its keys; say --yes to delete it.`, { field: 'yes' });
}

export function addTenantCommand(program: Command, system: CliSystem): void {
  const tenant = program.command('tenant').description('manage tenants and their quotas; needs the root key');
  const clientOf = async (command: Command) => (await connect(connectionOf(command), system)).client;
  const print = (output: Output, value: unknown, text: string): void => void system.stdout.write(output.json ? `${JSON.stringify(value)}\n` : text);
  const sub = (definition: string, description: string): Command => addConnectionOptions(tenant.command(definition).description(description).option('--json', 'print JSON', false), true);

  addQuotaOptions(sub('create <name>', 'create a tenant'), wholeNumber(0, Number.MAX_SAFE_INTEGER)).action(async (name: string, options: QuotaOptions & Output, command: Command) => {
    const created = await (await clientOf(command)).tenants.create({ tenant: name, quotas: quotasOf(options) as TenantResponse['quotas'] });
    print(options, created, tenantTable([created]));
  });
  addQuotaOptions(sub('update <name>', 'change quotas; "none" takes one away'), quotaOrNone).action(async (name: string, options: QuotaOptions & Output, command: Command) => {
    const updated = await (await clientOf(command)).tenants.update(name, { quotas: quotasOf(options) });
    print(options, updated, tenantTable([updated]));
  });
  sub('list', 'list tenants').action(async (options: Output, command: Command) => {
    const tenants = await (await clientOf(command)).tenants.list();
    print(options, tenants, tenantTable(tenants));
  });
  sub('show <name>', 'describe a tenant').action(async (name: string, options: Output, command: Command) => {
    const found = await (await clientOf(command)).tenants.get(name);
    print(options, found, tenantTable([found]));
  });
  sub('delete <name>', 'delete a tenant with its keys and embeddings, for good').option('--yes', 'do it, without being told what would be lost', false).action(async (name: string, { yes }: { readonly yes: boolean }, command: Command) => {
    if (!yes) await refuseUnconfirmed(name, await clientOf(command));
    await (await clientOf(command)).tenants.delete(name);
    system.stdout.write(`${name} is deleted\n`);
  });
  sub('usage <name>', 'what a tenant has used and has').action(async (name: string, options: Output, command: Command) => {
    const usage = await (await clientOf(command)).tenants.usage(name);
    print(options, usage, usageText(usage));
  });
  sub('audit [name]', 'administrative acts of a tenant, or upon tenants').action(async (name: string | undefined, options: Output, command: Command) => {
    const { tenants } = await clientOf(command);
    const events = await (name === undefined ? tenants.auditOfAll() : tenants.audit(name));
    print(options, events, auditTable(events));
  });
}
