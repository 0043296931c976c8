import { describe, expect, it } from 'vitest';
import { ShoalError, parseEmbeddingName, type ErrorCode } from '@shoal/protocol';
import { TENANT, checkCatalogue, definitionsOf, newCatalogue, recordsIn, wanted } from '../testing/catalogue-check.ts';
import { MemoryBus } from '../testing/memory-bus.ts';

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'fine'> {
  try {
    await work;
    return 'fine';
  } catch (error) {
    return error instanceof ShoalError ? error.code : 'internal';
  }
}

const name = parseEmbeddingName('films');

describe('registering', () => {
  it('is idempotent on tenant, model, dimension and distance, whoever asks', async () => {
    const bus = new MemoryBus();
    const [first, second] = [newCatalogue(bus), newCatalogue(bus)];
    const created = await first.register(TENANT, wanted({ name, partitions: 3 }));
    expect(created.created).toBe(true);
    expect(created.record).toMatchObject({ state: 'active', spec: { name, partitions: 3 } });
    for (const catalogue of [first, second]) {
      const again = await catalogue.register(TENANT, wanted({}));
      expect(again).toEqual({ record: created.record, created: false });
    }
    expect(definitionsOf(bus, created.record.spec.code, 2)).toEqual(['define']);
    checkCatalogue(bus);
  });

  it('gives one code to a hundred callers of two gateways at the same moment', async () => {
    const bus = new MemoryBus();
    const gateways = [newCatalogue(bus), newCatalogue(bus)];
    const results = await Promise.all(Array.from({ length: 100 }, (_, index) => gateways[index % 2]?.register(TENANT, wanted({ name, partitions: 2 }))));
    expect(new Set(results.map((result) => result?.record.spec.code)).size).toBe(1);
    expect(results.filter((result) => result?.created)).toHaveLength(1);
    expect(recordsIn(bus)).toHaveLength(1);
    checkCatalogue(bus);
  });

  it('gives a name to one of a hundred embeddings that want it at the same moment', async () => {
    const bus = new MemoryBus();
    const gateways = [newCatalogue(bus), newCatalogue(bus)];
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, index) => codeOf(gateways[index % 2]?.register(TENANT, wanted({ name, model: `model ${index}` })) ?? Promise.reject(new Error()))));
    expect(outcomes.filter((outcome) => outcome === 'fine')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'name_taken')).toHaveLength(99);
    expect(recordsIn(bus)).toHaveLength(1);
    checkCatalogue(bus);
  });

  it('gives different embeddings different codes', async () => {
    const bus = new MemoryBus();
    const gateways = [newCatalogue(bus), newCatalogue(bus)];
    const results = await Promise.all(Array.from({ length: 60 }, (_, index) => gateways[index % 2]?.register(TENANT, wanted({ name: `n${index}`, model: `model ${index}` }))));
    expect(new Set(results.map((result) => result?.record.spec.code)).size).toBe(60);
    checkCatalogue(bus);
  });

  it.each([
    ['m', { hnsw: { m: 8 } }, 'hnsw.m'],
    ['efConstruction', { hnsw: { m: 16, efConstruction: 100 } }, 'hnsw.efConstruction'],
    ['bits', { rabitq: { bits: 1 } }, 'rabitq.bits'],
    ['partitions', { partitions: 2 }, 'partitions'],
    ['replicas', { replicas: 2 }, 'replicas'],
    ['name', { name: 'other' }, 'name'],
  ])('refuses another %s, when it was given', async (_what, body, field) => {
    const catalogue = newCatalogue(new MemoryBus());
    await catalogue.register(TENANT, wanted({ name }));
    await expect(catalogue.register(TENANT, wanted(body))).rejects.toMatchObject({ code: 'spec_conflict', field });
  });

  it('compares only what was given', async () => {
    const catalogue = newCatalogue(new MemoryBus());
    const { record } = await catalogue.register(TENANT, wanted({ name, hnsw: { m: 8, efConstruction: 50 }, partitions: 4 }));
    for (const body of [{}, { hnsw: {} }, { hnsw: { m: 8 } }, { partitions: 4, name }]) {
      expect((await catalogue.register(TENANT, wanted(body))).record).toEqual(record);
    }
  });
});

describe('finding', () => {
  it('asks the registry for an embedding that another gateway has just registered', async () => {
    const bus = new MemoryBus();
    const [first, second] = [newCatalogue(bus), newCatalogue(bus)];
    await expect(second.resolve(TENANT, name)).rejects.toMatchObject({ code: 'embedding_not_found' });
    const { record } = await first.register(TENANT, wanted({ name }));
    expect(await second.resolve(TENANT, name)).toEqual(record);
  });

  it('lists what the watch has told, without what is dropped', async () => {
    const bus = new MemoryBus();
    const [first, second] = [newCatalogue(bus), newCatalogue(bus)];
    expect(() => second.list(TENANT)).toThrowError(expect.objectContaining({ code: 'not_ready' }));
    await first.register(TENANT, wanted({ name: 'b' }));
    await second.start();
    await first.register(TENANT, wanted({ name: 'a', model: 'other' }));
    await first.register(TENANT, wanted({ name: 'c', model: 'third' }));
    await first.drop(TENANT, parseEmbeddingName('c'));
    await expect.poll(() => second.list(TENANT).map(({ spec }) => spec.name)).toEqual(['a', 'b']);
    await second.close();
  });

  it('leaves out what it cannot read and goes on', async () => {
    const bus = new MemoryBus();
    await bus.registry.create('embedding.77', Buffer.from('damaged'));
    const catalogue = newCatalogue(bus);
    await catalogue.start();
    const { record } = await catalogue.register(TENANT, wanted({ name }));
    expect(catalogue.list(TENANT)).toEqual([record]);
    await catalogue.close();
  });
});

describe('dropping', () => {
  it('ends the embedding, frees its name and gives a new code next time', async () => {
    const bus = new MemoryBus();
    const [first, second] = [newCatalogue(bus), newCatalogue(bus)];
    const before = await first.register(TENANT, wanted({ name, partitions: 2 }));
    await second.drop(TENANT, name);
    expect(definitionsOf(bus, before.record.spec.code, 1)).toEqual(['define', 'drop']);
    await expect(second.resolve(TENANT, name)).rejects.toMatchObject({ code: 'embedding_not_found' });
    await expect(second.drop(TENANT, name)).rejects.toMatchObject({ code: 'embedding_not_found' });
    const after = await first.register(TENANT, wanted({ name, partitions: 3 }));
    expect(after.created).toBe(true);
    expect(after.record.spec.code).toBeGreaterThan(before.record.spec.code);
    checkCatalogue(bus);
  });

  it('may be asked for by many at the same moment', async () => {
    const bus = new MemoryBus();
    const gateways = [newCatalogue(bus), newCatalogue(bus)];
    await gateways[0]?.register(TENANT, wanted({ name }));
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => codeOf(gateways[index % 2]?.drop(TENANT, name) ?? Promise.reject(new Error()))));
    expect(outcomes).toContain('fine');
    expect(outcomes.filter((outcome) => outcome !== 'fine' && outcome !== 'embedding_not_found')).toEqual([]);
    checkCatalogue(bus);
    expect(recordsIn(bus).map(({ state }) => state)).toEqual(['dropped']);
  });
});
