import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsServer } from '@shoal/bus/nats-server';
import type { ServiceProcess } from '../harness/service-process.ts';
import { untilReady } from '../harness/service-process.ts';
import { seededRandom } from '../harness/workload.ts';
import type { ChaosCluster } from './chaos-cluster.ts';

export type Target = 'shard' | 'gateway' | 'nats';
export type Deed = 'kill' | 'stop';

export interface Fault {
  readonly target: Target;
  readonly deed: Deed;
  /** Which of the targets. */
  readonly index: number;
  /** Time without a fault of this kind of target before it. */
  readonly gapMs: number;
  /** Dead, or standing still. */
  readonly durationMs: number;
}

const RECOVERY_MS = 600_000;
/** Servers of a stream catch up with each other in this time, most often. */
const NATS_SETTLES_MS = 1_500;

/** The faults of a run by their targets: half of them hit shards, the others gateways and NATS servers. The same seed gives the same ones. */
export function drawFaults(seed: number, count: number, targets: Readonly<Record<Target, number>>): Readonly<Record<Target, readonly Fault[]>> {
  const random = seededRandom(seed);
  const faults: Record<Target, Fault[]> = { shard: [], gateway: [], nats: [] };
  for (let number = 0; number < count; number += 1) {
    const target: Target = number % 4 < 2 ? 'shard' : number % 4 === 2 ? 'gateway' : 'nats';
    const deed: Deed = random() < 0.5 ? 'kill' : 'stop';
    const index = Math.floor(random() * targets[target]);
    const durationMs = deed === 'kill' ? random() * 600 : 300 + random() * random() * 6_000;
    // Shards take longest to be well again, and are hit most often: so the faults of all kinds last about as long.
    const gapMs = (200 + random() * 1_300) * (target === 'shard' ? 1 : 4);
    faults[target].push({ target, deed, index, durationMs: Math.round(durationMs), gapMs: Math.round(gapMs) });
  }
  return faults;
}

/** Makes the fault and ends it; resolves when its target is well again. */
export async function makeFault(cluster: ChaosCluster, { target, deed, index, durationMs }: Fault): Promise<void> {
  switch (target) {
    case 'shard': {
      const shard = at(cluster.services.shards, index);
      await disturb(shard, deed, durationMs, () => cluster.watch.restarted(shard.name));
      return cluster.untilWhole(RECOVERY_MS);
    }
    case 'gateway': {
      const gateway = at(cluster.services.gateways, index);
      await disturb(gateway, deed, durationMs, () => undefined);
      return untilReady(at(cluster.services.urls, index), [gateway], RECOVERY_MS);
    }
    case 'nats':
      await disturbServer(at(cluster.nats.servers, index), deed, durationMs);
      return sleep(NATS_SETTLES_MS);
  }
}

async function disturb(process: ServiceProcess, deed: Deed, durationMs: number, onStart: () => void): Promise<void> {
  if (deed === 'stop') {
    process.signal('SIGSTOP');
    await sleep(durationMs);
    process.signal('SIGCONT');
    return;
  }
  await process.end('SIGKILL');
  await sleep(durationMs);
  onStart();
  process.start();
}

async function disturbServer(server: NatsServer, deed: Deed, durationMs: number): Promise<void> {
  if (deed === 'stop') {
    process.kill(server.pid, 'SIGSTOP');
    await sleep(durationMs);
    process.kill(server.pid, 'SIGCONT');
    return;
  }
  await server.stop('SIGKILL');
  await sleep(durationMs);
  await server.start();
}

function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new Error(`there is no target ${index}`);
  return value;
}
