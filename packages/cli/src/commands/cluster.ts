/** `shoal cluster`: a nats-server, shards and gateways as processes of this machine. */
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { DEFAULTS, LIMITS } from '@shoal/protocol';
import type { Command } from 'commander';
import { INTERRUPTED_EXIT_CODE, type CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { CLI_LIMITS } from '../limits.ts';
import { wholeNumber } from '../option-parsers.ts';
import { ChildGroup, describeExit } from '../processes/child-group.ts';
import type { ChildProgram } from '../processes/child-process.ts';
import { checkClusterOptions, planCluster, type ClusterOptions, type ClusterPlan, type PlannedProcess } from '../processes/cluster-plan.ts';
import { claimDirectory } from '../processes/directory-claim.ts';
import { checkPortsFree } from '../processes/free-ports.ts';
import { prefixedSink } from '../processes/line-prefix.ts';
import { startNatsBroker, type ClusterBroker } from '../processes/nats-broker.ts';
import { programEntry } from '../processes/program-entry.ts';
import { ensureRootKey } from '../processes/root-key.ts';

export interface ClusterCommandOptions extends ClusterOptions {
  readonly dataDir: string;
}

export interface ClusterPrograms {
  readonly shardEntry: string;
  readonly gatewayEntry: string;
  readonly startBroker: (storeDirectory: string) => Promise<ClusterBroker>;
}

/** What stands before the first process of the cluster starts. */
interface ClusterBase {
  readonly dataDirectory: string;
  readonly rootKey: string;
  readonly broker: ClusterBroker;
}

const NAME_CHARS = 'gateway-16'.length;

function programOf(planned: PlannedProcess, entry: string, system: CliSystem): ChildProgram {
  const environment = { ...system.childEnvironment, ...planned.settings };
  return { name: planned.name, entry, environment, onLine: prefixedSink(system.stdout, planned.name, NAME_CHARS) };
}

function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function introduce(plan: ClusterPlan, broker: ClusterBroker, dataDirectory: string, rootKey: string, system: CliSystem): void {
  const [first] = plan.gateways;
  const lines = [
    '',
    `Shoal cluster: ${countOf(plan.shards.length, 'shard')}, ${countOf(plan.gateways.length, 'gateway')}, ${broker.description}`,
    ...plan.gateways.map(({ url }) => `  url       ${url}`),
    `  root key  ${rootKey}`,
    `  data      ${dataDirectory}`,
    `  look      SHOAL_API_KEY=${rootKey} npx shoal status --url ${first?.url ?? ''}`,
    '  ctrl-C ends gateways, shards and nats-server, in this order',
    '',
  ];
  system.stdout.write(`${lines.join('\n')}\n`);
}

/** Resolves when the cluster is to end: by the user, or because its broker is gone. */
async function runUntilEnd(broker: ClusterBroker, system: CliSystem): Promise<'interrupted' | 'broker-died'> {
  const interrupted = system.interrupt.aborted ? Promise.resolve() : once(system.interrupt, 'abort');
  return await Promise.race([interrupted.then(() => 'interrupted' as const), broker.died.then(() => 'broker-died' as const)]);
}

async function startAndServe(options: ClusterCommandOptions, programs: ClusterPrograms, place: ClusterBase, system: CliSystem): Promise<void> {
  const { dataDirectory, rootKey, broker } = place;
  const plan = planCluster(options, { dataDirectory, natsUrl: broker.url, rootKey });
  let isStarted = false;
  const startFailure = new AbortController();
  const group = new ChildGroup((name, exit) => {
    system.stderr.write(`shoal: ${describeExit(name, exit)}; ${isStarted ? 'the others go on' : 'the cluster cannot start'}\n`);
    startFailure.abort(new CommandFailure(1));
  });
  try {
    for (const shard of plan.shards) group.start(programOf(shard, programs.shardEntry, system));
    for (const gateway of plan.gateways) group.start(programOf(gateway, programs.gatewayEntry, system));
    const signal = AbortSignal.any([system.interrupt, startFailure.signal]);
    for (const { url } of plan.gateways) await new ShoalClient({ url }).waitUntilReady({ timeoutMs: CLI_LIMITS.readyTimeoutMs, signal });
    isStarted = true;
    introduce(plan, broker, dataDirectory, rootKey, system);
    if ((await runUntilEnd(broker, system)) === 'broker-died') {
      system.stderr.write('shoal: nats-server ended; the cluster ends with it\n');
      throw new CommandFailure(1);
    }
  } finally {
    await group.endAll();
  }
}

export async function runClusterCommand(options: ClusterCommandOptions, programs: ClusterPrograms, system: CliSystem): Promise<void> {
  checkClusterOptions(options);
  await checkPortsFree('127.0.0.1', Array.from({ length: options.gateways }, (_unused, index) => options.port + index));
  const dataDirectory = resolve(system.workingDirectory, options.dataDir);
  const rootKey = await ensureRootKey(dataDirectory);
  const claim = await claimDirectory(dataDirectory);
  try {
    const broker = await programs.startBroker(join(dataDirectory, 'nats'));
    try {
      await startAndServe(options, programs, { dataDirectory, rootKey, broker }, system);
    } finally {
      await broker.stop();
    }
  } catch (error) {
    if (system.interrupt.aborted) throw new CommandFailure(INTERRUPTED_EXIT_CODE);
    throw error;
  } finally {
    await claim.release();
  }
}

export function addClusterCommand(program: Command, system: CliSystem): void {
  program
    .command('cluster')
    .description('start nats-server, shards and gateways on this machine')
    .option('--shards <count>', 'shard processes', wholeNumber(1, CLI_LIMITS.clusterShards), 3)
    .option('--gateways <count>', 'gateway processes, on ports from --port on', wholeNumber(1, CLI_LIMITS.clusterGateways), 1)
    .option('--port <port>', 'port of the first gateway', wholeNumber(1, 65_535), CLI_LIMITS.defaultPort)
    .option('--data-dir <folder>', 'where everything is kept', CLI_LIMITS.defaultDataDirectory)
    .option('--slots <count>', 'slots of the log; fixed once the data directory is used', wholeNumber(1, LIMITS.slots), DEFAULTS.slots)
    .option('--streams <count>', 'streams that carry the slots; fixed likewise', wholeNumber(1, LIMITS.slots), 4)
    .option('--replicas <count>', 'replicas of each slot, on different shards', wholeNumber(1, LIMITS.replicas), 2)
    .action(async (options: ClusterCommandOptions) => {
      const startBroker = (storeDirectory: string): Promise<ClusterBroker> => startNatsBroker(storeDirectory, system);
      const [shardEntry, gatewayEntry] = [programEntry('@shoal/shard/main'), programEntry('@shoal/gateway/main')];
      await runClusterCommand(options, { shardEntry, gatewayEntry, startBroker }, system);
    });
}
