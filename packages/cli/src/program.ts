/** The command line as a whole; each file in commands/ defines one command with its options. */
import { readFileSync } from 'node:fs';
import { Command, Help, type Option } from 'commander';
import type { CliSystem } from './cli-system.ts';
import { addAliasCommand } from './commands/alias.ts';
import { addBackupCommands } from './commands/backup.ts';
import { addBenchCommand } from './commands/bench.ts';
import { addClusterCommand } from './commands/cluster.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDevCommand } from './commands/dev.ts';
import { addExportCommand } from './commands/export.ts';
import { addImportCommand } from './commands/import.ts';
import { addImportsCommand } from './commands/imports.ts';
import { addKeyCommand } from './commands/key.ts';
import { addLoadCommand } from './commands/load.ts';
import { addPlacementCommands } from './commands/placement.ts';
import { addMetricsCommand } from './commands/metrics.ts';
import { addRecallCommand } from './commands/recall.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addSearchCommand } from './commands/search.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTenantCommand } from './commands/tenant.ts';
import { addVectorCommands } from './commands/vectors.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { addConnectionOptions } from './connection-options.ts';

/** Of this package; its package.json lies above both src and dist. */
function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

/** Commander's text, without defaults that say nothing and with lists as they are typed. */
function describeOption(option: Option): string {
  const preset: unknown = option.defaultValue;
  if (preset === false || preset === '') return option.description;
  if (Array.isArray(preset)) return `${option.description} (default: ${preset.join(',')})`;
  return new Help().optionDescription(option);
}

/** Commands throw what goes wrong; commander throws CommanderError instead of ending the process. */
export function buildProgram(system: CliSystem): Command {
  const program = new Command('shoal')
    .description('Shoal: a vector database that scales out over a message bus')
    .version(packageVersion(), '--version', 'print the version')
    .exitOverride()
    .configureHelp({ optionDescription: describeOption })
    .enablePositionalOptions()
    .configureOutput({ writeOut: (text) => system.stdout.write(text), writeErr: (text) => system.stderr.write(text) });
  addConnectionOptions(program, true);
  addDevCommand(program, system);
  addClusterCommand(program, system);
  addLoadCommand(program, system);
  addImportCommand(program, system);
  addExportCommand(program, system);
  addBackupCommands(program, system);
  addRestoreCommand(program, system);
  addImportsCommand(program, system);
  addSearchCommand(program, system);
  addVectorCommands(program, system);
  addAliasCommand(program, system);
  addRecallCommand(program, system);
  addBenchCommand(program, system);
  addStatusCommand(program, system);
  addPlacementCommands(program, system);
  addVerifyCommand(program, system);
  addMetricsCommand(program, system);
  addTenantCommand(program, system);
  addKeyCommand(program, system);
  addDemoCommand(program, system);
  return program;
}
