/** Requests and answers about tenants, keys, usage, limits and administrative acts. */
import { Type } from 'typebox';
import { LIMITS } from '../limits.ts';
import { KEY_ROLES, QUOTA_NAMES } from '../tenancy.ts';
import { closed, EmbeddingNameSchema, oneOf, wholeNumber } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

export const TenantIdSchema = Type.String({
  minLength: 1,
  maxLength: LIMITS.nameChars,
  pattern: '^[a-z0-9][a-z0-9._-]*$',
  description: 'Name of the tenant.',
  examples: ['acme'],
});

export const KeyIdSchema = Type.String({ pattern: '^[0-9a-f]{16}$', description: 'The part of a key that names it and is no secret.', examples: ['5f0c3a9be2d14477'] });

const quota = (description: string) => wholeNumber(0, Number.MAX_SAFE_INTEGER, description);

export const QuotasSchema = closed(
  {
    embeddings: Type.Optional(quota('Embeddings at one time.')),
    vectors: Type.Optional(quota('Vectors stored, over all embeddings.')),
    bytes: Type.Optional(quota('Memory that the indexes take, over all embeddings.')),
    requestsPerSecond: Type.Optional(quota('Requests per second.')),
    vectorsPerSecond: Type.Optional(quota('Vectors written or deleted per second.')),
  },
  'Bounds of the tenant; what is absent is bounded by the limits of the cluster only.',
);

const change = (name: string) => Type.Union([quota(`See ${name} of the quotas.`), Type.Null()]);

export const TenantRequestSchema = closed({ tenant: TenantIdSchema, quotas: Type.Optional(QuotasSchema) }, 'A tenant to create.');
export type TenantRequestJson = JsonOf<typeof TenantRequestSchema>;

export const TenantChangeSchema = closed(
  {
    quotas: closed(
      {
        embeddings: Type.Optional(change('embeddings')),
        vectors: Type.Optional(change('vectors')),
        bytes: Type.Optional(change('bytes')),
        requestsPerSecond: Type.Optional(change('requestsPerSecond')),
        vectorsPerSecond: Type.Optional(change('vectorsPerSecond')),
      },
      'The quotas that change; null takes one away, those left out stay.',
    ),
  },
  'A change of a tenant.',
);
export type TenantChangeJson = JsonOf<typeof TenantChangeSchema>;

export const TENANT_STATES = ['active', 'deleting'] as const;

export const TenantSchema = closed(
  {
    tenant: TenantIdSchema,
    state: oneOf(TENANT_STATES, 'deleting: its keys are refused and its embeddings are being dropped.'),
    quotas: QuotasSchema,
    createdAt: Type.String({ format: 'date-time', description: 'When it was created.' }),
  },
  'A tenant.',
);
export type TenantResponse = JsonOf<typeof TenantSchema>;

export const PageQuerySchema = closed(
  {
    limit: Type.Optional(wholeNumber(1, LIMITS.pageItems, 'Entries in the answer at most.', { default: LIMITS.pageItems })),
    cursor: Type.Optional(Type.String({ maxLength: LIMITS.cursorChars, description: 'The `next` of the page before.' })),
  },
  'Which page.',
);
const next = Type.Optional(Type.String({ description: 'There when more follow: the cursor of the next page.' }));

export const TenantListSchema = closed({ tenants: Type.Array(TenantSchema), next }, 'Tenants, ordered by name.');
export type TenantListResponse = JsonOf<typeof TenantListSchema>;

const keyMembers = {
  id: KeyIdSchema,
  role: oneOf(KEY_ROLES, 'read: searches and reads. write: also registers embeddings, writes and deletes vectors. admin: also drops embeddings, and manages keys.'),
  name: Type.Optional(Type.String({ maxLength: LIMITS.nameChars, description: 'For people.', examples: ['indexer'] })),
  embeddings: Type.Optional(
    Type.Array(EmbeddingNameSchema, { minItems: 1, maxItems: LIMITS.embeddingsPerKey, description: 'The embeddings (or aliases) that the key is for; without it all of the tenant.' }),
  ),
};
const expiresAt = Type.Optional(Type.String({ format: 'date-time', description: 'From when on the key is refused.', examples: ['2030-01-31T12:00:00Z'] }));

export const KeyRequestSchema = closed(
  { role: keyMembers.role, name: keyMembers.name, embeddings: keyMembers.embeddings, expiresAt },
  'A key to create.',
);
export type KeyRequestJson = JsonOf<typeof KeyRequestSchema>;

export const KeySchema = closed({ ...keyMembers, expiresAt, createdAt: Type.String({ format: 'date-time', description: 'When it was created.' }) }, 'A key, without its secret.');
export type KeyDescription = JsonOf<typeof KeySchema>;

export const NewKeySchema = closed(
  { ...KeySchema.properties, key: Type.String({ description: 'The whole key. It is shown here and never again.', examples: ['shoal_5f0c3a9be2d14477_…'] }) },
  'A key that was just created.',
);
export type NewKeyResponse = JsonOf<typeof NewKeySchema>;

export const KeyListSchema = closed({ keys: Type.Array(KeySchema), next }, 'Keys of the tenant, ordered by id.');
export type KeyListResponse = JsonOf<typeof KeyListSchema>;

const sum = (description: string) => Type.Integer({ minimum: 0, description });

export const UsageSchema = closed(
  {
    tenant: TenantIdSchema,
    since: Type.String({ format: 'date-time', description: 'The sums begin here.' }),
    requests: sum('Requests, refused ones too.'),
    refused: sum('Requests that were refused for a rate, a quota or overload.'),
    distances: sum('Distances computed.'),
    vectorsWritten: sum('Vectors written or deleted.'),
    bytesIn: sum('Bytes of request bodies.'),
    bytesOut: sum('Bytes of answers.'),
    stored: closed(
      {
        embeddings: sum('Embeddings.'),
        vectors: sum('Vectors that searches can find.'),
        bytes: sum('Memory that the indexes take, one replica of each partition counted.'),
        complete: Type.Boolean({ description: 'False when some partition did not answer; it is then left out.' }),
      },
      'What the tenant has at this moment.',
    ),
    quotas: QuotasSchema,
  },
  'What a tenant has used and has.',
);
export type UsageResponse = JsonOf<typeof UsageSchema>;

export const AuditEventSchema = closed(
  {
    sequence: Type.Integer({ minimum: 1, description: 'Position in this log.' }),
    at: Type.String({ format: 'date-time' }),
    act: Type.String({ description: 'What was done.', examples: ['key.create'] }),
    by: Type.String({ description: 'The id of the key that did it, or root.', examples: ['root'] }),
    subject: Type.String({ description: 'To what: a tenant, a key id, an embedding.', examples: ['5f0c3a9be2d14477'] }),
    requestId: Type.String({ description: 'Names the request in the logs.' }),
    detail: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'More about it; never a secret.' })),
  },
  'An administrative act.',
);
export type AuditEvent = JsonOf<typeof AuditEventSchema>;

export const AuditSchema = closed({ events: Type.Array(AuditEventSchema) }, `Administrative acts, the latest first; the last ${LIMITS.auditEvents} are kept.`);
export type AuditResponse = JsonOf<typeof AuditSchema>;

export const LimitsSchema = closed(
  {
    limits: Type.Record(Type.String(), Type.Number(), { description: 'Bounds on requests and data; docs/limits.md explains each.' }),
    defaults: Type.Record(Type.String(), Type.Number(), { description: 'What counts where a request says nothing.' }),
    gateway: Type.Record(Type.String(), Type.Number(), { description: 'Bounds of the gateway itself.' }),
    quotas: QuotasSchema,
  },
  'The limits that apply to the caller.',
);
export type LimitsResponse = JsonOf<typeof LimitsSchema>;

export const QUOTA_FIELDS: readonly string[] = QUOTA_NAMES;
