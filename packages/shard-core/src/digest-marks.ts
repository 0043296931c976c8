/**
 * Digests at sequences on which replicas agree without talking: the multiples of some numbers. The digest at a multiple is that after
 * the last message of the slot up to it; it is known when the first message beyond it comes. Near replicas meet at small multiples,
 * replicas far from each other at large ones.
 */
import type { Sequence } from '@shoal/protocol';
import { SLOT_DIGESTS } from './limits.ts';

export interface DigestMark {
  readonly level: number;
  /** A multiple of the level's number. */
  readonly sequence: Sequence;
  readonly digest: bigint;
}

export class DigestMarks {
  #marks: readonly DigestMark[] = [];

  /** The last multiples that lie behind `applied` when the slot goes on to the message at `next`, that of each level at most. */
  static passed(applied: Sequence, next: Sequence): { readonly level: number; readonly sequence: Sequence }[] {
    return SLOT_DIGESTS.everySequences.flatMap((every, level) => {
      const multiple = Math.floor((next - 1) / every) * every;
      return multiple > 0 && multiple >= applied ? [{ level, sequence: multiple as Sequence }] : [];
    });
  }

  keep(marks: readonly DigestMark[]): void {
    if (marks.length === 0) return;
    const all = [...this.#marks, ...marks];
    this.#marks = all.filter(({ level }, index) => all.slice(index + 1).filter((later) => later.level === level).length < SLOT_DIGESTS.keptPerLevel);
  }

  /** In ascending sequence, each once. */
  list(): { readonly sequence: Sequence; readonly digest: bigint }[] {
    const bySequence = new Map(this.#marks.map(({ sequence, digest }) => [sequence, digest]));
    return [...bySequence].map(([sequence, digest]) => ({ sequence, digest })).sort((a, b) => a.sequence - b.sequence);
  }
}
