import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShoalError, parseEmbeddingName } from '@shoal/protocol';
import { TENANT, checkCatalogue, newCatalogue, recordsIn, wanted } from '../testing/catalogue-check.ts';
import { DeadGateway, FaultyBus } from '../testing/faulty-bus.ts';
import { MemoryBus } from '../testing/memory-bus.ts';

interface Step {
  readonly type: 'register' | 'drop' | 'resolve';
  readonly name: string;
  readonly model: string;
}

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('register' as const, 'register' as const, 'drop' as const, 'resolve' as const),
  name: fc.constantFrom('a', 'b'),
  model: fc.constantFrom('one', 'two'),
});
const gateway = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  diesAt: fc.oneof(fc.constant(Infinity), fc.nat(25)),
  kind: fc.constantFrom('before' as const, 'after' as const),
});

const EXPECTED_CODES: readonly string[] = ['name_taken', 'spec_conflict', 'embedding_not_found'];

async function run(catalogue: ReturnType<typeof newCatalogue>, steps: readonly Step[], created: number[]): Promise<void> {
  for (const { type, name, model } of steps) {
    try {
      if (type === 'register') {
        const result = await catalogue.register(TENANT, wanted({ name, model, partitions: 2 }));
        if (result.created) created.push(result.record.spec.code);
      } else if (type === 'drop') await catalogue.drop(TENANT, parseEmbeddingName(name));
      else await catalogue.resolve(TENANT, parseEmbeddingName(name));
    } catch (error) {
      if (error instanceof DeadGateway) return;
      if (!(error instanceof ShoalError) || !EXPECTED_CODES.includes(error.code)) throw error;
    }
  }
}

describe('gateways that register and drop in any order of their steps, some dying on the way', () => {
  it('leave a catalogue that is whole, and that the next gateway can work with', async () => {
    await fc.assert(fc.asyncProperty(fc.scheduler(), fc.array(gateway, { minLength: 2, maxLength: 3 }), async (scheduler, gateways) => {
      const bus = new MemoryBus(4);
      const created: number[] = [];
      const work = Promise.all(gateways.map(({ steps, diesAt, kind }) => {
        const faulty = new FaultyBus(bus, diesAt, kind, () => scheduler.schedule(Promise.resolve()));
        return run(newCatalogue(faulty), steps, created);
      }));
      await scheduler.waitFor(work);
      checkCatalogue(bus);
      expect(new Set(created).size, 'an embedding is created once').toBe(created.length);
      const next = newCatalogue(bus);
      for (const name of ['a', 'b']) {
        await next.drop(TENANT, parseEmbeddingName(name)).catch((error: unknown) => {
          if (!(error instanceof ShoalError) || error.code !== 'embedding_not_found') throw error;
        });
      }
      for (const model of ['one', 'two']) await next.register(TENANT, wanted({ model }));
      checkCatalogue(bus);
      expect(recordsIn(bus).filter(({ state }) => state === 'active')).toHaveLength(2);
    }), { numRuns: 300 });
  });
});
