import { expect, it } from 'vitest';
import { measureNoise } from '../fairness/noisy-tenant.ts';
import { EmbeddedProcess } from '../harness/embedded-process.ts';

it('a tenant far above its rate is refused, and another one beside it never is', async () => {
  const node = await EmbeddedProcess.start();
  try {
    const { alone, beside, noisyStatuses } = await measureNoise(node, {
      dim: 8, quietVectors: 500, noisyVectors: 500, quietPerSecond: 50, noisyQuota: 50, noisyPerSecond: 500, windowMs: 1_000, windows: 2, seed: 1,
    });
    expect([...alone, ...beside].map(({ refused }) => refused)).toEqual([{}, {}, {}, {}]);
    expect(noisyStatuses['429']).toBeGreaterThan(0);
    expect(noisyStatuses['200']).toBeGreaterThan(0);
    expect(Object.keys(noisyStatuses).sort()).toEqual(['200', '429']);
  } finally {
    await node.close();
  }
});
