/** `shoal verify`: has all rows read again, and shows slot by slot whether the replicas hold what was written. */
import type { SlotVerification } from '@shoal/client';
import { LIMITS } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { wholeNumber, wholeNumbers } from '../option-parsers.ts';
import { formatCount } from '../text/quantities.ts';
import { textTable } from '../text/text-table.ts';

interface VerifyCommandOptions {
  readonly slots?: readonly number[];
  readonly timeout: number;
  readonly json: boolean;
}

function verificationTable(slots: readonly SlotVerification[]): string {
  const columns = [{ title: 'slot', align: 'right' as const }, { title: 'sequence', align: 'right' as const }, { title: 'replicas' }, { title: 'verdict' }];
  const rows = slots.map(({ slot, sequence, replicas, verdict }) => {
    const names = replicas.map(({ shard, verified, agreement }) => `${shard}${verified ? '' : ' (not read)'}${agreement === 'outvoted' || agreement === 'disputed' ? ` (${agreement})` : ''}`);
    return [String(slot), formatCount(sequence), names.length === 0 ? 'none' : names.join(', '), verdict];
  });
  return textTable(columns, rows);
}

export function addVerifyCommand(program: Command, system: CliSystem): void {
  const command = program.command('verify').description('read all rows again and compare the replicas of every slot')
    .option('--slots <list>', 'only these slots', wholeNumbers(0, LIMITS.slots - 1))
    .option('--timeout <seconds>', 'how long that may take', wholeNumber(1, 86_400), 600)
    .option('--json', 'print JSON', false);
  addConnectionOptions(command, true).action(async ({ slots, timeout, json }: VerifyCommandOptions) => {
    const { client } = await connect(connectionOf(command), system);
    const verified = await client.verifyReplicas({ timeoutMs: timeout * 1_000, signal: system.interrupt, ...(slots === undefined ? {} : { slots }) });
    const differing = verified.filter(({ verdict }) => verdict !== 'equal');
    if (json) system.stdout.write(`${JSON.stringify(verified)}\n`);
    else {
      system.stdout.write(verificationTable(verified));
      system.stdout.write(differing.length === 0 ? `${verified.length} slots: all rows are what was written, on every replica\n` : `${differing.length} of ${verified.length} slots are not known to be equal\n`);
    }
    if (differing.length > 0) throw new CommandFailure(1);
  });
}
