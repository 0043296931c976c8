import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SearchEpochs } from './search-epochs.ts';

/** Each step: start a search, end the n-th under way, or wait for all under way. */
const steps = fc.array(fc.oneof(fc.constant('enter' as const), fc.constant('drain' as const), fc.nat(20)), { maxLength: 60 });

test('a wait ends exactly when the last search entered before it has left', async () => {
  await fc.assert(fc.asyncProperty(steps, async (run) => {
    const epochs = new SearchEpochs();
    const underWay: { number: number; leave: () => void }[] = [];
    const waits: { before: number[]; done: boolean }[] = [];
    let entered = 0;
    for (const step of run) {
      if (step === 'enter') {
        underWay.push({ number: entered++, leave: epochs.enter() });
      } else if (step === 'drain') {
        const wait = { before: underWay.map(({ number }) => number), done: false };
        waits.push(wait);
        void epochs.drained().then(() => { wait.done = true; });
      } else if (underWay.length > 0) {
        underWay.splice(step % underWay.length, 1)[0]?.leave();
      }
      await new Promise((resolve) => { setImmediate(resolve); });
      const running = new Set(underWay.map(({ number }) => number));
      for (const wait of waits) expect(wait.done).toBe(!wait.before.some((number) => running.has(number)));
    }
  }), { numRuns: 40 });
});
