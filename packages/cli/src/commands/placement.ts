/** `shoal slots`, `shoal drain`, `shoal move`: which shard holds which slots. */
import type { ClusterResponse } from '@shoal/client';
import { LIMITS, ShoalError } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { wholeNumber } from '../option-parsers.ts';
import { formatCount, formatRanges } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';

type Placement = NonNullable<ClusterResponse['placement']>;
type SlotRow = Placement['slots'][number];
type ReplicaRow = SlotRow['replicas'][number];

const right = 'right' as const;

function memberTable({ members, slots }: Placement): string {
  const columns = [{ title: 'shard' }, { title: 'state' }, { title: 'capacity', align: right }, { title: 'slots', align: right }, { title: 'joining', align: right }, { title: 'leaving', align: right }, { title: 'follows epoch', align: right }];
  const rows = members.map(({ shard, present, drained, capacity, slotCount, mapEpoch }) => {
    const own = slots.flatMap(({ replicas }) => replicas.filter((replica) => replica.shard === shard));
    const inState = (state: ReplicaRow['state']): string => String(own.filter((replica) => replica.state === state).length);
    const states = [present ? 'present' : 'silent', ...(drained ? [slotCount === 0 ? 'drained' : 'draining'] : [])];
    return [shard, states.join(', '), capacity === undefined ? '-' : formatCount(capacity), String(slotCount), inState('joining'), inState('leaving'), mapEpoch === undefined ? '-' : String(mapEpoch)];
  });
  return textTable(columns, rows);
}

function replicaText({ shard, state, answers, pendingCount = 0 }: ReplicaRow): string {
  const remarks = [...(state === 'ready' ? [] : [state]), ...(answers || state === 'leaving' ? [] : ['does not answer']), ...(pendingCount > 0 ? [`${formatCount(pendingCount)} behind`] : [])];
  return remarks.length === 0 ? shard : `${shard} (${remarks.join(', ')})`;
}

/** Slots with the same replicas in the same state share a line. */
function slotTable({ slots }: Placement): string {
  const groups = new Map<string, number[]>();
  for (const { slot, replicas, pinned } of slots) {
    const text = `${replicas.map(replicaText).join(', ')}${pinned === undefined ? '' : ` [moved to ${pinned} by hand]`}`;
    groups.set(text, [...(groups.get(text) ?? []), slot]);
  }
  return textTable([{ title: 'slots' }, { title: 'replicas' }], [...groups].map(([text, group]) => [formatRanges(group), text === '' ? 'none' : text]));
}

function requirePlacement({ placement }: ClusterResponse): Placement {
  if (placement === undefined) throw new ShoalError('placement_static', 'The slots of every shard are given by its settings, as in embedded mode or with SHOAL_SHARD_SLOTS; `shoal status` shows them.');
  return placement;
}

function addSlotsCommand(program: Command, system: CliSystem): void {
  const command = program.command('slots').description('show which shards hold which slots')
    .option('--json', 'print JSON', false)
    .option('--set-replicas <count>', 'first change how many replicas each slot shall have', wholeNumber(1, LIMITS.replicas));
  addConnectionOptions(command, true).action(async ({ json, setReplicas }: { readonly json: boolean; readonly setReplicas?: number }) => {
    const { client } = await connect(connectionOf(command), system);
    if (setReplicas !== undefined) await client.placement.setReplicas(setReplicas);
    const placement = requirePlacement(await client.cluster({ signal: system.interrupt }));
    if (json) {
      system.stdout.write(`${JSON.stringify(placement)}\n`);
      return;
    }
    const { epoch, replicas, slots } = placement;
    system.stdout.write(`${slots.length} slots, ${replicas} replica${replicas === 1 ? '' : 's'} each where there are as many shards; epoch ${epoch}\n\n`);
    system.stdout.write(`${memberTable(placement)}\n${slotTable(placement)}`);
  });
}

function addDrainCommand(program: Command, system: CliSystem): void {
  const command = program.command('drain <shard>').description('have a shard give up its slots, to be stopped without anybody noticing')
    .option('--undo', 'let it take slots again', false);
  addConnectionOptions(command, true).action(async (shard: string, { undo }: { readonly undo: boolean }) => {
    const { client } = await connect(connectionOf(command), system);
    const { epoch } = await (undo ? client.placement.undrain(shard) : client.placement.drain(shard));
    system.stdout.write(undo ? `${shard} takes slots again (epoch ${epoch})\n` : `${shard} gives up its slots as others take them (epoch ${epoch}); \`shoal slots\` shows how far it is\n`);
  });
}

function addMoveCommand(program: Command, system: CliSystem): void {
  const command = program.command('move <slot>').description('have a shard hold a replica of a slot')
    .option('--to <shard>', 'which shard')
    .option('--undo', 'let balance decide again who holds the slot', false);
  addConnectionOptions(command, true).action(async (text: string, { to, undo }: { readonly to?: string; readonly undo: boolean }) => {
    const slot = wholeNumber(0, LIMITS.slots - 1)(text);
    if ((to === undefined) !== undo) throw new ShoalError('missing_field', 'Say where the slot shall go with --to SHARD, or undo an earlier move with --undo.', { field: 'to' });
    const { client } = await connect(connectionOf(command), system);
    const { epoch } = await (to === undefined ? client.placement.unpin(slot) : client.placement.move(slot, to));
    system.stdout.write(to === undefined ? `slot ${slot} goes where balance has it (epoch ${epoch})\n` : `slot ${slot} goes to ${to} (epoch ${epoch}); \`shoal slots\` shows when it is there\n`);
  });
}

export function addPlacementCommands(program: Command, system: CliSystem): void {
  addSlotsCommand(program, system);
  addDrainCommand(program, system);
  addMoveCommand(program, system);
}
