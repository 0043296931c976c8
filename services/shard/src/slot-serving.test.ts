import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, type Bus } from '@shoal/bus';
import { SUBJECTS, parseShardId, parseSlot } from '@shoal/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SlotServing } from './slot-serving.ts';

const slot = parseSlot(0);
const shard = parseShardId('shard.1');
const answer = Uint8Array.of(7);

let directory: string;
let bus: Bus;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-slot-serving-'));
  bus = await openEmbeddedBus({ directory, slots: 1, durability: 'os' });
});
afterEach(async () => {
  await bus.close();
  await rm(directory, { recursive: true });
});

/** Whether the slot answers in the group of its replicas, and by the name of its shard. */
async function answering(): Promise<readonly [group: boolean, byName: boolean]> {
  const [group, byName] = await Promise.allSettled([SUBJECTS.query(slot), SUBJECTS.queryOf(slot, shard)].map((subject) => bus.requests.request(subject, new Uint8Array(0), { timeoutMs: 5_000 })));
  return [group?.status === 'fulfilled', byName?.status === 'fulfilled'];
}

it('a slot that lags leaves the group and still answers by name; one that caught up is in the group again', async () => {
  const serving = await SlotServing.open({ requests: bus.requests, slot, shard, handler: async () => answer, lagging: false });
  expect(await answering()).toEqual([true, true]);
  await serving.setLagging(true);
  expect(await answering()).toEqual([false, true]);
  // The last word counts, also of several at once.
  await Promise.all([serving.setLagging(false), serving.setLagging(true), serving.setLagging(false)]);
  expect(await answering()).toEqual([true, true]);
  await serving.close();
  expect(await answering()).toEqual([false, false]);
});

it('a slot that lags when it begins to answer does so by name alone until it has caught up', async () => {
  const serving = await SlotServing.open({ requests: bus.requests, slot, shard, handler: async () => answer, lagging: true });
  expect([serving.lagging, await answering()]).toEqual([true, [false, true]]);
  await serving.setLagging(false);
  expect([serving.lagging, await answering()]).toEqual([false, [true, true]]);
  await serving.close();
});
