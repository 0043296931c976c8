/** The body of PUT /v1/aliases/{alias}. */
import { parseFields, requiredMember } from './field-parsers.ts';
import { parseEmbeddingName } from './ids.ts';
import type { EmbeddingName } from './ids.ts';

export function parseAliasRequest(body: unknown): { readonly embedding: EmbeddingName } {
  const fields = parseFields(body, '', ['embedding']);
  return { embedding: parseEmbeddingName(requiredMember(fields, '', 'embedding'), 'embedding') };
}
