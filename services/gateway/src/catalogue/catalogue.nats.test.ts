import { connectNatsBus, type Bus } from '@shoal/bus';
import { LIMITS, ShoalError, parseEmbeddingName } from '@shoal/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemTimers } from '@shoal/pacing';
import { TENANT, wanted } from '../testing/catalogue-check.ts';
import { newOperationId } from '../testing/gateway-fixture.ts';
import { Catalogue } from './catalogue.ts';

declare module 'vitest' {
  interface ProvidedContext {
    natsUrl: string;
  }
}

const namespace = `gateway-${process.pid}-${Date.now().toString(36)}`;
const buses: Bus[] = [];
const catalogues: Catalogue[] = [];

beforeAll(async () => {
  for (let index = 0; index < 2; index += 1) {
    const bus = await connectNatsBus({ servers: inject('natsUrl'), slots: 4, streams: 2, timeoutMs: 15_000, name: 'shoal-test', namespace });
    buses.push(bus);
    const catalogue = new Catalogue({ bus, clock: { nowMs: Date.now }, timers: systemTimers, logger: pino({ level: 'silent' }), newOperationId });
    await catalogue.start();
    catalogues.push(catalogue);
  }
});
afterAll(async () => {
  for (const catalogue of catalogues) await catalogue.close();
  for (const bus of buses) await bus.close();
});

function gateway(index: number): Catalogue {
  const found = catalogues[index % catalogues.length];
  if (found === undefined) throw new Error('no gateway was started');
  return found;
}

describe('the catalogue over a broker', () => {
  it('is loaded on every gateway', () => {
    expect(catalogues.map(({ loaded }) => loaded)).toEqual([true, true]);
  });

  it('gives one code to all callers of two gateways at the same moment', async () => {
    const results = await Promise.all(Array.from({ length: 30 }, (_, index) => gateway(index).register(TENANT, wanted({ name: 'same', partitions: 3 }))));
    expect(new Set(results.map(({ record }) => record.spec.code)).size).toBe(1);
    expect(results.filter(({ created }) => created)).toHaveLength(1);
  });

  it('gives a contested name to one, and every embedding a code of its own', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) =>
      gateway(index).register(TENANT, wanted({ name: 'contested', model: `contested ${index}` })).then(() => 'fine', (error: unknown) => error instanceof ShoalError && error.code)));
    expect(outcomes.filter((outcome) => outcome === 'fine')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'name_taken')).toHaveLength(19);
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => gateway(index).register(TENANT, wanted({ name: `own-${index}`, model: `own ${index}` }))));
    expect(new Set(results.map(({ record }) => record.spec.code)).size).toBe(20);
  });

  it('finds at once what the other gateway registered, and forgets what it dropped', async () => {
    const name = parseEmbeddingName('brief');
    const { record } = await gateway(0).register(TENANT, wanted({ name, model: 'brief', partitions: LIMITS.partitions }));
    expect(await gateway(1).resolve(TENANT, name)).toEqual(record);
    expect(record.definedAt).toHaveLength(LIMITS.partitions);
    await gateway(1).drop(TENANT, name);
    await expect.poll(() => gateway(0).list(TENANT).some(({ spec }) => spec.name === name)).toBe(false);
    await expect(gateway(0).resolve(TENANT, name)).rejects.toMatchObject({ code: 'embedding_not_found' });
    const again = await gateway(0).register(TENANT, wanted({ name, model: 'brief' }));
    expect(again.record.spec.code).toBeGreaterThan(record.spec.code);
  });
});
