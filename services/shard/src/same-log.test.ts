import type { LogMessage } from '@shoal/bus';
import { ShoalError, parseSequence, parseSlot, type Sequence } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { requireSameLog } from './same-log.ts';

const slot = parseSlot(1);
const APPLIED = parseSequence(50);

/** Messages by their sequence, each named by a letter; what a replica remembers is named likewise. */
interface Case {
  readonly log: Readonly<Record<number, string>>;
  readonly remembered: Readonly<Record<number, string>>;
  /** At the first question, and from then on. */
  readonly trimmed?: readonly [number, number];
}

async function outcomeOf({ log, remembered, trimmed = [0, 0] }: Case): Promise<string> {
  const stored = Object.entries(log).map(([sequence, name]) => ({ sequence: Number(sequence), name }));
  let questions = 0;
  try {
    await requireSameLog({
      slot, signal: AbortSignal.timeout(5_000),
      log: {
        origin: async () => ({ made: 'x', firstSequence: parseSequence(1) }),
        trimmedBefore: async () => parseSequence(trimmed[questions++ === 0 ? 0 : 1]),
        read: async function* ({ from }) {
          const message = stored.find(({ sequence }) => sequence >= from);
          yield message === undefined ? [] : [message as unknown as LogMessage];
        },
      },
      machine: {
        appliedSequence: APPLIED,
        rememberedFrom: (sequence) => parseSequence(Number(Object.keys(remembered).find((one) => Number(one) >= sequence) ?? APPLIED)) as Sequence,
        hasApplied: (message) => {
          const { sequence, name } = message as unknown as { sequence: number; name: string };
          return remembered[sequence] === undefined || remembered[sequence] === name;
        },
      },
    });
    return 'same';
  } catch (error) {
    return error instanceof ShoalError ? error.code : String(error);
  }
}

it('a log that holds what was applied first and last is the same', async () => {
  expect(await outcomeOf({ log: { 10: 'a', 30: 'b', 50: 'c', 60: 'd' }, remembered: { 10: 'a', 30: 'b', 50: 'c' } })).toBe('same');
  expect(await outcomeOf({ log: { 50: 'c' }, remembered: {} })).toBe('same');
});

it('another log is told by the last message, and by the oldest when messages of both were applied', async () => {
  expect(await outcomeOf({ log: { 10: 'a', 50: 'x' }, remembered: { 10: 'a', 50: 'c' } })).toBe('log_incompatible');
  expect(await outcomeOf({ log: { 10: 'x', 50: 'c' }, remembered: { 10: 'a', 50: 'c' } })).toBe('log_incompatible');
  expect(await outcomeOf({ log: { 12: 'a', 50: 'c' }, remembered: { 10: 'a', 50: 'c' } })).toBe('log_incompatible');
});

it('what was trimmed, also just now, is not looked for', async () => {
  expect(await outcomeOf({ log: { 30: 'b', 50: 'c' }, remembered: { 10: 'a', 30: 'b', 50: 'c' }, trimmed: [20, 20] })).toBe('same');
  expect(await outcomeOf({ log: { 30: 'b', 50: 'c' }, remembered: { 10: 'a', 30: 'b', 50: 'c' }, trimmed: [0, 20] })).toBe('same');
});
