/** The noisy tenant, in a process of its own so that it slows down nobody's clock: searches at its rate while told to. Messages: 'begin', 'end'. */
import { PacedSearches, type PacedOptions } from './paced-searches.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as PacedOptions;
const SLICE_MS = 250;
const searches = new PacedSearches(options);
await searches.open();
let active = false;
const statuses = new Map<number, number>();
process.on('message', (message) => {
  active = message === 'begin';
  if (message === 'end') process.send?.(Object.fromEntries(statuses));
});
process.on('disconnect', () => process.exit(0));
process.send?.('open');
for (;;) {
  if (!active) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    continue;
  }
  for (const [status, count] of (await searches.run(SLICE_MS)).statuses) statuses.set(status, (statuses.get(status) ?? 0) + count);
}
