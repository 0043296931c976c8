/** What a backup asks of a gateway, and what a restore gives it; for the root key. */
import { Type } from 'typebox';
import { KEY_ROLES } from '../tenancy.ts';
import { LIMITS } from '../limits.ts';
import { AliasSchema } from './alias-schemas.ts';
import { EmbeddingDescriptionSchema } from './embedding-schemas.ts';
import { KeySchema, QuotasSchema, TenantIdSchema } from './tenant-schemas.ts';
import { closed, EmbeddingNameSchema, oneOf, ReceiptSchema, wholeNumber } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

export const BackupStartSchema = closed(
  {
    version: Type.String({ description: 'Version of the gateway.' }),
    at: Type.String({ format: 'date-time', description: 'When it was asked.' }),
    slots: wholeNumber(1, LIMITS.slots, 'Slots of the cluster.'),
    receipt: ReceiptSchema,
  },
  'Where the log stands: every write that was acknowledged before is at or below the sequence of its slot. Slots without messages are left out.',
);
export type BackupStart = JsonOf<typeof BackupStartSchema>;

export const SecretHashSchema = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the secret of the key.' });

export const BackedUpKeySchema = closed({ ...KeySchema.properties, secretHash: SecretHashSchema }, 'A key with the hash of its secret.');
export type BackedUpKey = JsonOf<typeof BackedUpKeySchema>;

export const BackedUpTenantSchema = closed(
  {
    tenant: TenantIdSchema,
    quotas: QuotasSchema,
    createdAt: Type.String({ format: 'date-time', description: 'When it was created.' }),
    keys: Type.Array(BackedUpKeySchema),
    aliases: Type.Array(AliasSchema),
  },
  'A tenant with its keys and aliases.',
);
export type BackedUpTenant = JsonOf<typeof BackedUpTenantSchema>;

export const BackedUpEmbeddingsSchema = closed(
  {
    embeddings: Type.Array(EmbeddingDescriptionSchema),
    next: Type.Optional(Type.String({ description: 'There when more follow: the cursor of the next page.' })),
  },
  'Embeddings of a tenant that take writes, ordered by name, with every declared field.',
);
export type BackedUpEmbeddings = JsonOf<typeof BackedUpEmbeddingsSchema>;

export const RestoreKeySchema = closed(
  {
    role: oneOf(KEY_ROLES, 'Role of the key.'),
    name: Type.Optional(Type.String({ maxLength: LIMITS.nameChars, description: 'For people.' })),
    embeddings: Type.Optional(Type.Array(EmbeddingNameSchema, { minItems: 1, maxItems: LIMITS.embeddingsPerKey, description: 'The embeddings that the key is for.' })),
    expiresAt: Type.Optional(Type.String({ format: 'date-time', description: 'From when on the key is refused.' })),
    createdAt: Type.String({ format: 'date-time', description: 'When it was created.' }),
    secretHash: SecretHashSchema,
  },
  'A key as a backup has it.',
);
export type RestoreKeyJson = JsonOf<typeof RestoreKeySchema>;

