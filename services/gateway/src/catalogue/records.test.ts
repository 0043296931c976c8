import { describe, expect, it } from 'vitest';
import { parseEmbeddingCode, parseEmbeddingName, parseSequence, parseTenantId, type EmbeddingSpec } from '@shoal/protocol';
import { CATALOGUE_KEYS } from './keys.ts';
import {
  decodeCounter, decodeIdentityClaim, decodeNameClaim, decodeRecord, encodeCounter, encodeIdentityClaim, encodeNameClaim, encodeRecord,
  type EmbeddingRecord,
} from './records.ts';

const spec: EmbeddingSpec = {
  code: parseEmbeddingCode(7), tenant: parseTenantId('default'), name: parseEmbeddingName('films'), model: 'm', dim: 4, distance: 'l2',
  hnsw: { m: 16, efConstruction: 200, seed: 42 }, rabitq: { bits: 4, seed: 42 }, storage: 'f32', partitions: 2, fields: [], replicas: 1,
};
const record: EmbeddingRecord = { spec, state: 'active', createdAtMs: 1_700_000_000_000, definedAt: [parseSequence(3), parseSequence(4)] };
const SPEC_JSON = '{"code":7,"tenant":"default","name":"films","model":"m","dim":4,"distance":"l2","hnsw":{"m":16,"efConstruction":200,"seed":42},"rabitq":{"bits":4,"seed":42},"storage":"f32","partitions":2,"replicas":1}';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

describe('the entries of the catalogue', () => {
  it('are what they were in the first release', () => {
    expect(text(encodeRecord(record))).toBe(`{"v":1,"spec":${SPEC_JSON},"state":"active","createdAtMs":1700000000000,"definedAt":[3,4]}\n1c392060`);
    expect(text(encodeIdentityClaim({ phase: 'named', spec, createdAtMs: 1 }))).toBe(`{"v":1,"phase":"named","spec":${SPEC_JSON},"createdAtMs":1}\n70a8ad2f`);
    expect(text(encodeNameClaim({ code: spec.code, identity: 'ab' }))).toBe('{"v":1,"code":7,"identity":"ab"}\n3d180d2c');
    expect(text(encodeCounter({ lastCode: 7 }))).toBe('{"v":1,"lastCode":7}\n50861163');
    expect(CATALOGUE_KEYS.name(spec.tenant, parseEmbeddingName('a.b'))).toBe('name.ZGVmYXVsdA.YS5i');
    expect(CATALOGUE_KEYS.embedding(spec.code)).toBe('embedding.7');
  });

  it('come back as they went', () => {
    expect(decodeRecord('k', encodeRecord(record))).toEqual(record);
    expect(decodeIdentityClaim('k', encodeIdentityClaim({ phase: 'claimed', spec, createdAtMs: 5 }))).toEqual({ phase: 'claimed', spec, createdAtMs: 5 });
    expect(decodeNameClaim('k', encodeNameClaim({ code: spec.code, identity: 'x' }))).toEqual({ code: 7, identity: 'x' });
    expect(decodeCounter('k', encodeCounter({ lastCode: 0 }))).toEqual({ lastCode: 0 });
  });

  it('are refused when any byte is changed or missing', () => {
    const bytes = encodeRecord(record);
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Uint8Array.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => decodeRecord('k', changed), `byte ${index}`).toThrowError(expect.objectContaining({ code: 'store_corrupt' }));
      expect(() => decodeRecord('k', bytes.subarray(0, index)), `cut at ${index}`).toThrowError(expect.objectContaining({ code: 'store_corrupt' }));
    }
  });
});
