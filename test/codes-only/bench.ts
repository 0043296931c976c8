/**
 * `npm run bench:codes-only`: what an embedding that keeps codes alone costs beside one that keeps vectors too. Both live in one slot of a shard, with the same
 * vectors; windows of searches of the one and the other take turns, and medians count.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ComparedEmbeddings } from './compared-embeddings.ts';

const { values } = parseArgs({ options: {
  shapes: { type: 'string', default: '30000x128,12000x768' }, bits: { type: 'string', default: '8,4' }, efs: { type: 'string', default: '40,100' }, windows: { type: 'string', default: '5' },
  'window-ms': { type: 'string', default: '600' }, readers: { type: 'string', default: '8' }, seed: { type: 'string', default: '1' },
} });
const [windowCount, windowMs, readerCount, seed] = [values.windows, values['window-ms'], values.readers, values.seed].map(Number) as [number, number, number, number];
const numbers = (list: string): number[] => list.split(',').map(Number);
const median = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0;
const whole = (value: number): string => Math.round(value).toLocaleString('en');

console.log('| vectors | bits | keeps | bytes/vector | inserts/s | ef | recall@10 | searches/s, one at a time | ratio | searches/s, many at once | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|');
for (const shape of values.shapes.split(',')) {
  const [count, dim] = shape.split('x').map(Number) as [number, number];
  for (const bits of numbers(values.bits) as (8 | 4 | 2 | 1)[]) {
    const directory = await mkdtemp(join(tmpdir(), 'shoal-codes-bench-'));
    const compared = await ComparedEmbeddings.loaded({ directory, count, dim, bits, seed });
    try {
      for (const ef of numbers(values.efs)) {
        const speeds = { full: { single: [] as number[], many: [] as number[] }, codes: { single: [] as number[], many: [] as number[] } };
        for (let window = 0; window < windowCount; window += 1) {
          for (const memory of window % 2 === 0 ? ['full', 'codes'] as const : ['codes', 'full'] as const) {
            speeds[memory].single.push(await compared.searchesPerSecond(memory, ef, 1, windowMs));
            speeds[memory].many.push(await compared.searchesPerSecond(memory, ef, readerCount, windowMs));
          }
        }
        for (const memory of ['full', 'codes'] as const) {
          const { single, many } = speeds[memory];
          const ratio = (of: 'single' | 'many'): string => (median(speeds[memory][of]) / median(speeds.full[of])).toFixed(2);
          const { bytesPerVector, insertsPerSecond } = compared.figures(memory);
          console.log(`| ${whole(count)} x ${dim} | ${bits} | ${memory} | ${whole(bytesPerVector)} | ${whole(insertsPerSecond)} | ${ef} | ${(await compared.recall(memory, ef)).toFixed(4)} | ${whole(median(single))} | ${ratio('single')} | ${whole(median(many))} | ${ratio('many')} |`);
        }
      }
      console.log(`| | ${bits} | codes | | | flat | ${(await compared.recall('codes', 10, 'flat')).toFixed(4)} | | | | |`);
    } finally {
      await compared.close();
      await rm(directory, { recursive: true });
    }
  }
}
