import type { PlacementMap, ShardId, Slot } from '@shoal/protocol';
import { describe, expect, it } from 'vitest';
import { drained, pinned } from './map-edits.ts';
import { ModelCluster } from './testing/model-cluster.ts';

const id = (name: string): ShardId => name as ShardId;
const LIMIT_MS = 3_600_000;

const holdersOf = (map: PlacementMap): readonly (readonly string[])[] => map.slots.map((entries) => entries.map(({ shard }) => shard).toSorted());
const loadOf = (map: PlacementMap, shard: string): number => map.slots.filter((entries) => entries.some((entry) => entry.shard === shard)).length;

interface ScenarioOptions {
  readonly seed: number;
  readonly shards: number;
  readonly replicas?: number;
}

/** Runs a scenario in the world's time. */
function scenario(options: ScenarioOptions, run: (cluster: ModelCluster) => Promise<void>): Promise<void> {
  const cluster = new ModelCluster({ seed: options.seed, slots: 16, replicas: options.replicas ?? 2 });
  const work = async (): Promise<void> => {
    for (let index = 0; index < 2; index += 1) await cluster.startGateway();
    for (let index = 0; index < options.shards; index += 1) await cluster.startShard(`shard-${index}`);
    await run(cluster);
  };
  return cluster.world.run(work(), LIMIT_MS);
}

describe('the controller', () => {
  it('spreads the slots over the shards that start, in one go', () => scenario({ seed: 1, shards: 4 }, async (cluster) => {
    const map = await cluster.settled(60_000);
    expect([0, 1, 2, 3].map((index) => loadOf(map, `shard-${index}`))).toEqual([8, 8, 8, 8]);
    expect([...cluster.gateways, ...cluster.shards.values()].filter(({ controller }) => controller.leads)).toHaveLength(1);
  }));

  it('adds a shard and drains another without a moment at which nobody answers for a slot', () => scenario({ seed: 2, shards: 4 }, async (cluster) => {
    await cluster.settled(60_000);
    const watched = new AbortController();
    const gaps: string[] = [];
    const watch = async (): Promise<void> => {
      while (!watched.signal.aborted) {
        for (let slot = 0; slot < cluster.slots; slot += 1) if (cluster.answering(slot as Slot).length === 0) gaps.push(`slot ${slot} at ${cluster.world.nowMs()}`);
        await cluster.world.pause(50);
      }
    };
    const watching = watch();
    await cluster.startShard('shard-4');
    await cluster.edit((map) => drained(map, id('shard-0'), true));
    const map = await cluster.settled(300_000);
    watched.abort();
    await watching;
    expect(gaps).toEqual([]);
    expect([0, 1, 2, 3, 4].map((index) => loadOf(map, `shard-${index}`))).toEqual([0, 8, 8, 8, 8]);
    expect(cluster.shards.get(id('shard-0'))?.held.size).toBe(0);
    const progress = await cluster.progressKeys();
    expect(progress.filter((key) => key.endsWith('.shard-0'))).toEqual([]);
    expect(progress).toHaveLength(2 * cluster.slots);
  }));

  it('gives a shard that restarts its slots back, and nothing moves', () => scenario({ seed: 3, shards: 3 }, async (cluster) => {
    const before = await cluster.settled(60_000);
    cluster.shards.get(id('shard-1'))?.process.kill();
    await cluster.world.pause(25_000);
    await cluster.startShard('shard-1');
    await cluster.world.pause(20_000);
    expect(holdersOf(await cluster.settled(60_000))).toEqual(holdersOf(before));
    expect((await cluster.map())?.epoch).toBe(before.epoch);
  }));

  it('replaces a shard that does not come back, and lets the log go on without it', () => scenario({ seed: 4, shards: 4 }, async (cluster) => {
    await cluster.settled(60_000);
    cluster.shards.get(id('shard-2'))?.process.kill();
    await cluster.world.pause(60_000);
    const map = await cluster.settled(120_000);
    expect(loadOf(map, 'shard-2')).toBe(0);
    expect(map.slots.every((entries) => entries.length === 2)).toBe(true);
    expect((await cluster.progressKeys()).filter((key) => key.endsWith('.shard-2'))).toEqual([]);
  }));

  it('is followed by another process when its own dies, stops or is cut off', () => scenario({ seed: 5, shards: 3 }, async (cluster) => {
    await cluster.settled(60_000);
    const faults = [
      (process: { kill(): void }): void => process.kill(),
      (process: { stop(durationMs: number): void }): void => process.stop(120_000),
      (process: { link: { cut: boolean } }): void => void (process.link.cut = true),
    ];
    for (const [index, fault] of faults.entries()) {
      const gateway = await cluster.startGateway();
      await cluster.world.pause(1_000);
      const leader = [...cluster.gateways, ...cluster.shards.values()].find(({ process, controller }) => process.alive && !process.link.cut && controller.leads);
      expect(leader).toBeDefined();
      // A gateway, so that all shards stay.
      if (leader !== undefined && cluster.gateways.includes(leader)) fault(leader.process);
      await cluster.startShard(`late-${index}`);
      await cluster.world.pause(60_000);
      expect(loadOf(await cluster.settled(300_000), `late-${index}`)).toBeGreaterThan(0);
      expect(gateway.process.alive).toBe(true);
    }
  }));

  it('holds to a move that was asked for, and undoes it', () => scenario({ seed: 6, shards: 4, replicas: 1 }, async (cluster) => {
    const before = await cluster.settled(60_000);
    const from = before.slots[5]?.[0]?.shard;
    const to = id(from === 'shard-0' ? 'shard-1' : 'shard-0');
    await cluster.edit((map) => pinned(map, 5 as Slot, to));
    expect((await cluster.settled(120_000)).slots[5]).toEqual([{ shard: to, state: 'ready' }]);
    await cluster.edit((map) => pinned(map, 5 as Slot, undefined));
    const map = await cluster.settled(120_000);
    expect([0, 1, 2, 3].map((index) => loadOf(map, `shard-${index}`))).toEqual([4, 4, 4, 4]);
  }));

  it('keeps everything where it was while all shards are away at once', () => scenario({ seed: 7, shards: 3 }, async (cluster) => {
    const before = await cluster.settled(60_000);
    for (const { process } of cluster.shards.values()) process.kill();
    await cluster.world.pause(600_000);
    for (let index = 0; index < 3; index += 1) await cluster.startShard(`shard-${index}`);
    expect(holdersOf(await cluster.settled(120_000))).toEqual(holdersOf(before));
  }));

  it('refuses a second process with the name of a shard that runs, and takes one with another directory when the first is silent', () => scenario({ seed: 8, shards: 2 }, async (cluster) => {
    await cluster.settled(60_000);
    await expect(cluster.startShard('shard-0', { storeId: 'another' })).rejects.toMatchObject({ code: 'shard_name_taken' });
    const first = cluster.shards.get(id('shard-0'));
    first?.process.stop(60_000);
    const second = await cluster.startShard('shard-0', { storeId: 'another' });
    await cluster.world.pause(90_000);
    expect(first?.taken).toMatchObject({ code: 'shard_name_taken' });
    expect(second.process.alive).toBe(true);
    expect(second.taken).toBeUndefined();
  }));

  it('comes to rest after any run of faults', async () => {
    for (let seed = 100; seed < 106; seed += 1) {
      await scenario({ seed, shards: 4 }, async (cluster) => {
        const { world } = cluster;
        for (let fault = 0; fault < 12; fault += 1) {
          const victim = world.pick([...cluster.shards.values(), ...cluster.gateways]);
          if (victim === undefined) return;
          const kind = world.between(0, 3);
          if (kind === 0) victim.process.stop(world.between(1_000, 60_000));
          if (kind === 1) victim.process.link.lossRate = world.chance() * 0.3;
          if (kind === 2) {
            victim.process.link.cut = true;
            world.after(world.between(1_000, 60_000), () => void (victim.process.link.cut = false));
          }
          if (kind === 3 && 'shard' in victim) {
            victim.process.kill();
            world.after(world.between(1_000, 60_000), () => void cluster.startShard((victim as { shard: ShardId }).shard).catch(() => undefined));
          }
          await world.pause(world.between(1_000, 20_000));
        }
        for (const { process } of [...cluster.shards.values(), ...cluster.gateways]) process.link.lossRate = 0;
        await world.pause(120_000);
        const map = await cluster.settled(600_000);
        expect([0, 1, 2, 3].map((index) => loadOf(map, `shard-${index}`)), `seed ${seed}`).toEqual([8, 8, 8, 8]);
        map.slots.forEach((entries, slot) => expect(cluster.answering(slot as Slot).toSorted(), `seed ${seed}, slot ${slot}`).toEqual(entries.map(({ shard }) => shard).toSorted()));
      });
    }
  });
});
