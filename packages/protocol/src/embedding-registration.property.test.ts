import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { derivedName, embeddingSpecToJson, identityOf, parseEmbeddingSpec, parseRegistration, sameParameters } from './embedding-registration.ts';
import { DISTANCES } from './embedding-spec.ts';
import type { EmbeddingSpec } from './embedding-spec.ts';
import { parseEmbeddingName } from './ids.ts';
import { fieldsToJson } from './payload-fields.ts';
import type { TenantId } from './ids.ts';
import { DEFAULTS, LIMITS } from './limits.ts';
import { spec } from './testing/arbitraries.ts';
import { refusalOf } from './testing/refusals.ts';
import { sampleSpec } from './testing/samples.ts';

const least = { model: 'text-embedding-3-small', dim: 1536, distance: 'cosine' };

describe('a registration', () => {
  test('needs model, dimension and distance, and fills in the rest', () => {
    expect(parseRegistration(least)).toEqual({
      ...least,
      name: 'text-embedding-3-small-1536-cosine',
      hnsw: { m: DEFAULTS.m, efConstruction: DEFAULTS.efConstruction, seed: DEFAULTS.hnswSeed },
      rabitq: { bits: DEFAULTS.rabitqBits, seed: DEFAULTS.rabitqSeed },
      storage: 'f32',
      partitions: DEFAULTS.partitions,
      replicas: DEFAULTS.replicas,
      fields: [],
    });
    for (const field of ['model', 'dim', 'distance']) {
      expect(refusalOf(() => parseRegistration({ ...least, [field]: undefined }))).toEqual({ code: 'missing_field', field });
    }
  });

  test('keeps what it is given', () => {
    fc.assert(
      fc.property(spec, ({ code: _code, tenant: _tenant, ...given }) => {
        const registration = { ...given, storage: 'f32' };
        const body = { ...registration, fields: fieldsToJson(given.fields) };
        expect(parseRegistration(JSON.parse(JSON.stringify(body)))).toEqual(registration);
      }),
    );
  });

  test('fills in half a parameter set', () => {
    const { hnsw, rabitq } = parseRegistration({ ...least, hnsw: { m: 32 }, rabitq: { bits: 1 } });
    expect(hnsw).toEqual({ m: 32, efConstruction: DEFAULTS.efConstruction, seed: DEFAULTS.hnswSeed });
    expect(rabitq).toEqual({ bits: 1, seed: DEFAULTS.rabitqSeed });
  });

  test('refuses fields that do not exist, naming them', () => {
    for (const field of ['code', 'tenant', 'Name', 'constructor']) {
      expect(refusalOf(() => parseRegistration({ ...least, [field]: 1 }))).toEqual({ code: 'unknown_field', field });
    }
    expect(refusalOf(() => parseRegistration(JSON.parse(`{"__proto__": 1}`)))).toEqual({ code: 'unknown_field', field: '__proto__' });
    expect(refusalOf(() => parseRegistration({ ...least, hnsw: { M: 16 } }))).toEqual({ code: 'unknown_field', field: 'hnsw.M' });
  });

  test.each([
    [{ dim: 0 }, 'dim', 1],
    [{ dim: LIMITS.dim + 1 }, 'dim', LIMITS.dim],
    [{ dim: '3' }, 'dim', LIMITS.dim],
    [{ distance: 'euclidean' }, 'distance', undefined],
    [{ distance: null }, 'distance', undefined],
    [{ model: '' }, 'model', LIMITS.modelChars],
    [{ model: 'm'.repeat(LIMITS.modelChars + 1) }, 'model', LIMITS.modelChars],
    [{ model: 'a\nb' }, 'model', LIMITS.modelChars],
    [{ model: '\ud800' }, 'model', LIMITS.modelChars],
    [{ name: 'No Name' }, 'name', LIMITS.nameChars],
    [{ hnsw: 16 }, 'hnsw', undefined],
    [{ hnsw: { m: 1 } }, 'hnsw.m', 2],
    [{ hnsw: { m: LIMITS.hnswM + 1 } }, 'hnsw.m', LIMITS.hnswM],
    [{ hnsw: { efConstruction: 0 } }, 'hnsw.efConstruction', 1],
    [{ hnsw: { efConstruction: 1e9 } }, 'hnsw.efConstruction', LIMITS.hnswEfConstruction],
    [{ hnsw: { seed: -1 } }, 'hnsw.seed', 0],
    [{ rabitq: { bits: 3 } }, 'rabitq.bits', undefined],
    [{ rabitq: { seed: 2 ** 32 } }, 'rabitq.seed', LIMITS.seed],
    [{ storage: 'f64' }, 'storage', undefined],
    [{ storage: 'f16' }, 'storage', undefined],
    [{ partitions: 0 }, 'partitions', 1],
    [{ partitions: LIMITS.partitions + 1 }, 'partitions', LIMITS.partitions],
    [{ replicas: LIMITS.replicas + 1 }, 'replicas', LIMITS.replicas],
    [{ fields: { year: 'date' } }, 'fields.year', undefined],
    [{ fields: { '1st': 'keyword' } }, 'fields.1st', LIMITS.fieldNameChars],
    [{ fields: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, 'float'])) }, 'fields', LIMITS.fieldsPerEmbedding],
  ])('refuses %j', (change, field, limit) => {
    expect(refusalOf(() => parseRegistration({ ...least, ...change }))).toEqual({ code: 'invalid_field', field, ...(limit === undefined ? {} : { limit }) });
  });

  test('must be an object', () => {
    for (const body of [null, undefined, 7, 'x', []]) expect(refusalOf(() => parseRegistration(body))).toEqual({ code: 'malformed_body', field: 'body' });
  });
});

describe('a derived name', () => {
  test.each([
    ['BAAI/bge-small-en', 384, 'cosine', 'baai-bge-small-en-384-cosine'],
    ['--Ünicode Модель!', 3, 'l2', 'nicode-3-l2'],
    ['模型', 3, 'dot', 'embedding-3-dot'],
    ['a...', 8, 'l2', 'a-8-l2'],
  ] as const)('of %s', (model, dim, distance, name) => {
    expect(derivedName(model, dim, distance)).toBe(name);
  });

  test('is a valid name that ends with dimension and distance, whatever the model', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 256 }),
        fc.integer({ min: 1, max: LIMITS.dim }),
        fc.constantFrom(...DISTANCES),
        (model, dim, distance) => {
          const name = derivedName(model, dim, distance);
          expect(parseEmbeddingName(name)).toBe(name);
          expect(name.endsWith(`-${dim}-${distance}`)).toBe(true);
        },
      ),
    );
  });
});

describe('a stored specification', () => {
  test('comes back from its JSON text, f16 included', () => {
    fc.assert(
      fc.property(spec, (value) => {
        expect(parseEmbeddingSpec(JSON.parse(JSON.stringify(embeddingSpecToJson(value))))).toEqual(value);
      }),
    );
  });

  test('has one JSON text, whatever the order of its members and whatever else hangs on it', () => {
    const shuffled = { extra: 1, ...Object.fromEntries(Object.entries(sampleSpec).toReversed()) } as unknown as EmbeddingSpec;
    expect(JSON.stringify(embeddingSpecToJson(shuffled))).toBe(JSON.stringify(embeddingSpecToJson(sampleSpec)));
  });

  test('has every member and no other', () => {
    const stored = embeddingSpecToJson(sampleSpec);
    for (const field of Object.keys(stored)) {
      expect(refusalOf(() => parseEmbeddingSpec({ ...stored, [field]: undefined }))).toEqual({ code: 'missing_field', field });
    }
    for (const [parent, member] of [['hnsw', 'm'], ['hnsw', 'seed'], ['rabitq', 'bits']] as const) {
      const partial = { ...stored, [parent]: { ...sampleSpec[parent], [member]: undefined } };
      expect(refusalOf(() => parseEmbeddingSpec(partial))).toEqual({ code: 'missing_field', field: `${parent}.${member}` });
    }
    expect(refusalOf(() => parseEmbeddingSpec({ ...stored, more: [] }))).toEqual({ code: 'unknown_field', field: 'more' });
    expect(refusalOf(() => parseEmbeddingSpec({ ...stored, fields: [] }))).toEqual({ code: 'invalid_field', field: 'fields' });
  });
});

describe('identity and parameters', () => {
  test('identity is frozen', () => {
    expect(identityOf('acme' as TenantId, sampleSpec)).toBe('18f06125e534ea0428738e4d5596feadfcf9a74f20e0d5e78da76bcd331ce0b5');
  });

  test('identity is tenant, model, dimension and distance, and nothing else', () => {
    const identity = identityOf(sampleSpec.tenant, sampleSpec);
    const same: EmbeddingSpec = { ...sampleSpec, name: parseEmbeddingName('other'), partitions: 64, hnsw: { m: 4, efConstruction: 8, seed: 1 } };
    expect(identityOf(same.tenant, same)).toBe(identity);
    const others = [
      identityOf('acme2' as TenantId, sampleSpec),
      identityOf(sampleSpec.tenant, { ...sampleSpec, model: 'other' }),
      identityOf(sampleSpec.tenant, { ...sampleSpec, dim: 4 }),
      identityOf(sampleSpec.tenant, { ...sampleSpec, distance: 'l2' }),
    ];
    expect(new Set([identity, ...others]).size).toBe(5);
  });

  test('parameters are everything outside identity and name', () => {
    expect(sameParameters(sampleSpec, { ...sampleSpec, name: parseEmbeddingName('other'), model: 'other' })).toBe(true);
    const changes: Partial<EmbeddingSpec>[] = [
      { hnsw: { ...sampleSpec.hnsw, m: 8 } },
      { hnsw: { ...sampleSpec.hnsw, efConstruction: 100 } },
      { hnsw: { ...sampleSpec.hnsw, seed: 7 } },
      { rabitq: { ...sampleSpec.rabitq, bits: 8 } },
      { rabitq: { ...sampleSpec.rabitq, seed: 7 } },
      { storage: 'f16' },
      { partitions: 16 },
      { replicas: 1 },
      { fields: [{ name: 'year', type: 'integer' }] },
    ];
    for (const change of changes) expect(sameParameters(sampleSpec, { ...sampleSpec, ...change }), JSON.stringify(change)).toBe(false);
  });
});
