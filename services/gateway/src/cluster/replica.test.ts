import { parseSequence, parseShardId, parseSlot } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { inOrder, type Replica } from './replica.ts';
import { ShardLife } from './shard-life.ts';

const slot = parseSlot(0);
const NOW_MS = 1_000;
const replica = (shard: string, applied: number, over: Partial<Replica> = {}): Replica => ({ shard: parseShardId(shard), subject: shard, lagging: false, withoutMemory: [], announced: { applied: parseSequence(applied), atMs: NOW_MS }, life: new ShardLife(NOW_MS), ...over });
const order = (replicas: readonly Replica[], wanted: number, turn = 0): string => inOrder(replicas, slot, NOW_MS, { wanted: parseSequence(wanted), turn }).map(({ shard }) => shard).join(' ');

it('who has applied what is wanted is asked first, even if it lags; who lags without it last', () => {
  const replicas = [replica('behind', 5), replica('lagging', 4, { lagging: true }), replica('there', 9), replica('late-but-there', 8, { lagging: true })];
  expect(order(replicas, 8)).toBe('there late-but-there behind lagging');
  expect(order(replicas, 0)).toBe('behind there lagging late-but-there');
  // Nobody is there yet, so those that keep pace share what comes.
  expect(order(replicas.slice(0, 3), 99, 0)).toBe('behind there lagging');
  expect(order(replicas.slice(0, 3), 99, 2)).toBe('there behind lagging');
});

it('answers tell sooner than announcements what a replica has applied, until the next one', () => {
  const [a, b] = [replica('a', 5), replica('b', 5)];
  b.life.hasApplied(slot, parseSequence(7), NOW_MS);
  b.life.hasApplied(slot, parseSequence(6), NOW_MS);
  expect(order([a, b], 7)).toBe('b a');
  b.life.announced(NOW_MS);
  expect(order([a, b], 7)).toBe('a b');
});

it('who gives no sign of life is asked last, whatever it had applied', () => {
  expect(order([replica('silent', 9, { life: new ShardLife(NOW_MS - 60_000) }), replica('lagging', 1, { lagging: true })], 9)).toBe('lagging silent');
});
