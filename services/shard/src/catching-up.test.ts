import type { SlotMessage } from '@shoal/shard-core';
import type { Sequence } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { CatchingUp } from './catching-up.ts';
import { SHARD_LIMITS } from './limits.ts';

const messages = (bytes: readonly number[]): SlotMessage[] => bytes.map((length, index) => ({ sequence: (index + 1) as Sequence, subject: 's', timeMs: 0, bytes: new Uint8Array(length) }));

/** What was applied: the name of the slot and the sequences of each step. */
function machine(name: string, steps: string[]): { apply: (messages: readonly SlotMessage[]) => Promise<void> } {
  return {
    apply: async (step) => {
      steps.push(`${name} begins`);
      await new Promise(setImmediate);
      steps.push(`${name} ${step.map(({ sequence }) => sequence).join()}`);
    },
  };
}

it('slots that catch up take turns with small steps while another one serves', async () => {
  const half = SHARD_LIMITS.catchUpStepBytes / 2;
  const steps: string[] = [];
  const catchingUp = new CatchingUp(() => true);
  await Promise.all([catchingUp.apply(machine('a', steps), messages([half, half, half, 3 * half, 1])), catchingUp.apply(machine('b', steps), messages([half]))]);
  expect(steps).toEqual(['a begins', 'a 1,2', 'b begins', 'b 1', 'a begins', 'a 3', 'a begins', 'a 4', 'a begins', 'a 5']);
});

it('nobody waits and nothing is cut while no slot serves', async () => {
  const steps: string[] = [];
  const catchingUp = new CatchingUp(() => false);
  await Promise.all([catchingUp.apply(machine('a', steps), messages([1e6, 1e6])), catchingUp.apply(machine('b', steps), messages([1e6]))]);
  expect(steps).toEqual(['a begins', 'b begins', 'a 1,2', 'b 1']);
});

it('a step that fails fails its slot alone', async () => {
  const steps: string[] = [];
  const catchingUp = new CatchingUp(() => true);
  const failing = catchingUp.apply({ apply: () => Promise.reject(new Error('damaged')) }, messages([1]));
  const other = catchingUp.apply(machine('b', steps), messages([1]));
  await expect(failing).rejects.toThrow('damaged');
  await other;
  expect(steps).toEqual(['b begins', 'b 1']);
});
