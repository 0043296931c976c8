/** Aliases: further names of embeddings. */
import { Type } from 'typebox';
import { closed, EmbeddingNameSchema } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

export const AliasRequestSchema = closed({ embedding: EmbeddingNameSchema }, 'The embedding that the alias shall name.');
export type AliasRequestJson = JsonOf<typeof AliasRequestSchema>;

export const AliasSchema = closed(
  { alias: EmbeddingNameSchema, embedding: EmbeddingNameSchema, code: Type.Integer({ minimum: 1, description: 'Number of the embedding.' }) },
  'An alias and what it names.',
);
export type Alias = JsonOf<typeof AliasSchema>;

export const AliasListSchema = closed({ aliases: Type.Array(AliasSchema) }, 'The aliases of the tenant, ordered by name.');
export type AliasList = JsonOf<typeof AliasListSchema>;
