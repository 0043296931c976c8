import { expect, it } from 'vitest';
import { parseSequence, parseShardId } from './ids.ts';
import { compareReplicas, type ReplicaContent } from './replica-agreement.ts';

const digest = (letter: string): string => letter.repeat(16);

/** `9a 5b` has digest b at sequence 5 as a mark and a at the applied sequence 9. */
function replica(name: string, points: string, version = 1): ReplicaContent {
  const [newest, ...marks] = points.split(' ').map((point) => ({ sequence: parseSequence(Number(point.slice(0, -1))), digest: digest(point.slice(-1)) }));
  if (newest === undefined) throw new Error('a replica has a point');
  return { shard: parseShardId(name), appliedSequence: newest.sequence, content: { version, digest: newest.digest, marks, rebuildCount: 0 } };
}

const verdicts = (...replicas: readonly ReplicaContent[]): unknown[] => compareReplicas(replicas).map(({ verdict, sequence, agreedSequence }) => [verdict, sequence, agreedSequence]);

it('replicas agree at the newest sequence that they share', () => {
  expect(verdicts(replica('a', '9a'), replica('b', '9a'))).toEqual([['agrees', 9, 9], ['agrees', 9, 9]]);
  expect(verdicts(replica('a', '9a 5b 3c'), replica('b', '8d 5b 3c'))).toEqual([['agrees', 5, 5], ['agrees', 5, 5]]);
  expect(verdicts(replica('a', '0a'), replica('b', '0a'))).toEqual([['agrees', 0, 0], ['agrees', 0, 0]]);
});

it('replicas without a shared sequence, and those whose digests are made differently, stand alone', () => {
  expect(verdicts(replica('a', '9a 5b'))).toEqual([['alone', 0, 0]]);
  expect(verdicts(replica('a', '9a 5b'), replica('b', '8a 4b'))).toEqual([['alone', 0, 0], ['alone', 0, 0]]);
  expect(verdicts(replica('a', '9a'), replica('b', '9b', 2))).toEqual([['alone', 0, 0], ['alone', 0, 0]]);
});

it('two replicas that differ are in dispute, and know where they last agreed', () => {
  expect(verdicts(replica('a', '9a 5a 3c'), replica('b', '9b 5b 3c'))).toEqual([['disputed', 9, 3], ['disputed', 9, 3]]);
});

it('of three the one that differs is outvoted; three different ones are in dispute', () => {
  const three = compareReplicas([replica('a', '9a'), replica('b', '9b'), replica('c', '9a')]);
  expect(three.map(({ verdict, others }) => [verdict, others])).toEqual([['agrees', ['b']], ['outvoted', ['a', 'c']], ['agrees', ['b']]]);
  expect(verdicts(replica('a', '9a'), replica('b', '9b'), replica('c', '9c'))).toEqual([['disputed', 9, 0], ['disputed', 9, 0], ['disputed', 9, 0]]);
});

it('a replica that lags is judged by an older sequence than the others', () => {
  expect(verdicts(replica('a', '9a 4d'), replica('b', '9a 4d'), replica('c', '6x 4e'))).toEqual([['agrees', 9, 9], ['agrees', 9, 9], ['outvoted', 4, 0]]);
});
