import type { Sequence } from '@shoal/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DigestMarks } from './digest-marks.ts';
import { SLOT_DIGESTS } from './limits.ts';

it('marks of a slot are the state at the last multiples that it has passed, whatever gaps its sequences have', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 400 }), (gaps) => {
      const sequences: number[] = [];
      for (const gap of gaps) sequences.push((sequences.at(-1) ?? 0) + gap);
      // The digest in the place of one: how many messages there were.
      const marks = new DigestMarks();
      let applied = 0 as Sequence;
      for (const [count, sequence] of sequences.entries()) {
        marks.keep(DigestMarks.passed(applied, sequence as Sequence).map((boundary) => ({ ...boundary, digest: BigInt(count) })));
        applied = sequence as Sequence;
      }
      const listed = marks.list();
      for (const { sequence, digest } of listed) expect(digest).toBe(BigInt(sequences.filter((at) => at <= sequence).length));
      for (const every of SLOT_DIGESTS.everySequences) {
        // Of each level the newest multiple below the last message is there, if a message lies between it and the one before.
        const newest = Math.floor((applied - 1) / every) * every;
        if (newest > 0 && newest >= (sequences.at(-2) ?? 0)) expect(listed.map(({ sequence }) => sequence)).toContain(newest);
      }
      expect(listed.length).toBeLessThanOrEqual(SLOT_DIGESTS.everySequences.length * SLOT_DIGESTS.keptPerLevel);
    }),
  );
});

it('marks of two replicas that went through the same messages are the same', () => {
  const run = (sequences: readonly number[]): string => {
    const marks = new DigestMarks();
    let applied = 0 as Sequence;
    for (const sequence of sequences) {
      marks.keep(DigestMarks.passed(applied, sequence as Sequence).map((boundary) => ({ ...boundary, digest: BigInt(applied) })));
      applied = sequence as Sequence;
    }
    return JSON.stringify(marks.list().map(({ sequence, digest }) => [sequence, String(digest)]));
  };
  const sequences = Array.from({ length: 3_000 }, (_, index) => index * 7 + 1);
  expect(run(sequences)).toMatchInlineSnapshot(`"[[16384,"16381"],[18432,"18432"],[20480,"20476"],[20736,"20735"],[20992,"20987"]]"`);
});
