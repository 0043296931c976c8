import { parseSequence, parseShardId, parseSlot, type ReplicaContent } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { SHARD_LIMITS } from './limits.ts';
import { SlotAgreement } from './slot-agreement.ts';

function replica(name: string, letter: string, sequence = 9, rebuildCount = 0): ReplicaContent {
  const marks = [{ sequence: parseSequence(3), digest: 'a'.repeat(16) }];
  return { shard: parseShardId(name), appliedSequence: parseSequence(sequence), content: { version: 1, digest: letter.repeat(16), marks, rebuildCount } };
}

const slot = parseSlot(0);
const agreementOf = (name: string): SlotAgreement => new SlotAgreement(slot, parseShardId(name));

it('a replica that agrees, or has nothing to compare with, goes on', () => {
  const agreement = agreementOf('a');
  expect(agreement.look(replica('a', '1'), [])).toEqual({ type: 'go-on' });
  expect(agreement.look(replica('a', '1'), [replica('b', '1'), replica('c', '2')])).toEqual({ type: 'go-on' });
});

it('a replica that is outvoted is rebuilt from the newest snapshot', () => {
  const step = agreementOf('a').look(replica('a', '1'), [replica('b', '2'), replica('c', '2')]);
  expect(step).toMatchObject({ type: 'rebuild', error: { code: 'replica_diverged' }, trustedUpTo: undefined });
});

it('of two that differ, both first read their rows; then the first by name is rebuilt from before the difference', () => {
  const [a, b] = [agreementOf('a'), agreementOf('b')];
  const look = (agreement: SlotAgreement, name: string) => agreement.look(replica(name, name, 9, agreement.rebuildCount), [name === 'a' ? replica('b', 'b', 9, b.rebuildCount) : replica('a', 'a', 9, a.rebuildCount)]);
  expect(look(a, 'a')).toMatchObject({ type: 'dispute', begins: true });
  expect(look(b, 'b')).toMatchObject({ type: 'dispute', begins: true });
  expect(look(a, 'a')).toMatchObject({ type: 'dispute', begins: false });
  for (const agreement of [a, b]) agreement.verified();
  expect(look(b, 'b')).toMatchObject({ type: 'dispute' });
  expect(look(a, 'a')).toMatchObject({ type: 'rebuild', trustedUpTo: 3 });
  a.rebuilt();
  // The rebuilt one has the same content as before: then it is the other one that does not follow the log.
  expect(look(b, 'b')).toMatchObject({ type: 'rebuild', trustedUpTo: 3 });
  b.rebuilt();
  for (const agreement of [a, b]) agreement.verified();
  expect(look(a, 'a')).toMatchObject({ type: 'dispute' });
  a.verified();
  expect(look(a, 'a')).toMatchObject({ type: 'dispute' });
  expect(a.look(replica('a', '1'), [replica('b', '1')])).toEqual({ type: 'go-on' });
  expect(a.rebuildCount).toBe(0);
});

it('whoever waits for another that does nothing is rebuilt in its place', () => {
  const agreement = agreementOf('b');
  const look = () => agreement.look(replica('b', '1'), [replica('a', '2')]).type;
  expect(look()).toBe('dispute');
  agreement.verified();
  for (let count = 1; count < SHARD_LIMITS.disputeLooks; count += 1) expect(look()).toBe('dispute');
  expect(look()).toBe('rebuild');
});
