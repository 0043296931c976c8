import { parseEmbeddingName, parseEmbeddingSpec, parseTenantId } from '@shoal/protocol';
import { describe, expect, it } from 'vitest';
import { planRestore, refuseConflicts, registrationOf, type Existing } from './restore-plan.ts';
import type { RecordedTenant } from './records.ts';

const spec = (name: string, model: string) => parseEmbeddingSpec({
  code: 7, tenant: 'acme', name, model, dim: 2, distance: 'l2', hnsw: { m: 16, efConstruction: 200, seed: 1 }, rabitq: { bits: 8, seed: 1 }, storage: 'f32', partitions: 1, replicas: 1, fields: { year: 'integer' },
});
const hash = 'a'.repeat(64);
const acme: RecordedTenant = {
  tenant: parseTenantId('acme'),
  quotas: { vectors: 5 },
  keys: [{ id: '0123456789abcdef', role: 'read', createdAt: '2026-01-01T00:00:00Z', secretHash: hash }],
  aliases: [{ alias: parseEmbeddingName('news'), embedding: parseEmbeddingName('articles') }],
  embeddings: [{ spec: spec('articles', 'm') }, { spec: spec('items', 'n') }],
};
const nothing: Existing = { tenants: new Set(['default']), names: new Map(), identities: new Map(), keys: new Map() };
const articles = parseEmbeddingName('articles');

describe('a plan', () => {
  it('of everything holds tenants, keys, aliases and every parameter', () => {
    const [plan] = planRestore([acme], {}, {});
    expect(plan).toMatchObject({ target: 'acme', whole: true, keys: acme.keys, aliases: acme.aliases });
    expect(plan?.embeddings.map(registrationOf)[0]).toMatchObject({ name: 'articles', model: 'm', dim: 2, hnsw: { seed: 1 }, fields: { year: 'integer' } });
  });

  it('into another name leaves the aliases where they point, into another tenant the keys', () => {
    expect(planRestore([acme], { embedding: articles }, { name: parseEmbeddingName('copy') })[0]).toMatchObject({ whole: false, aliases: [], keys: [] });
    expect(planRestore([acme], {}, { tenant: parseTenantId('other') })[0]).toMatchObject({ target: 'other', whole: true, keys: [], aliases: acme.aliases });
  });

  it('names what the backup does not have, and what a name is not enough for', () => {
    expect(() => planRestore([acme], { embedding: parseEmbeddingName('none') }, {})).toThrow(expect.objectContaining({ code: 'embedding_not_found' }));
    expect(() => planRestore([acme], { tenant: parseTenantId('none') }, {})).toThrow(expect.objectContaining({ code: 'tenant_not_found' }));
    expect(() => planRestore([acme], {}, { name: articles })).toThrow(expect.objectContaining({ code: 'invalid_field' }));
  });
});

describe('what is there already', () => {
  const plan = planRestore([acme], {}, {});

  it.each([
    ['an embedding of the name', { names: new Map([['acme/articles', 'articles']]) }, 'the embedding acme/articles'],
    ['an embedding of the same identity', { identities: new Map([[JSON.stringify(['acme', 'm', 2, 'l2']), 'old']]) }, 'acme/old'],
    ['an alias that points elsewhere', { names: new Map([['acme/news', 'other']]) }, 'the alias acme/news'],
    ['another key of the id', { keys: new Map([['0123456789abcdef', 'b'.repeat(64)]]) }, 'the key 0123456789abcdef'],
  ])('refuses %s', (_what, part, words) => {
    expect(() => refuseConflicts(plan, { ...nothing, ...part }, false)).toThrow(expect.objectContaining({ code: 'restore_conflict', message: expect.stringContaining(words) }));
  });

  it('is no conflict when it is the same key, the same alias, or what a resumed run has begun', () => {
    const keys = new Map([['0123456789abcdef', hash]]);
    refuseConflicts(plan, { ...nothing, keys, names: new Map([['acme/news', 'articles']]) }, false);
    refuseConflicts(plan, { ...nothing, names: new Map([['acme/articles', 'articles']]), identities: new Map([[JSON.stringify(['acme', 'm', 2, 'l2']), 'articles']]) }, true);
  });

  it('must have the tenant that a single embedding goes into', () => {
    expect(() => refuseConflicts(planRestore([acme], { embedding: articles }, {}), nothing, false)).toThrow(expect.objectContaining({ code: 'tenant_not_found' }));
  });
});
