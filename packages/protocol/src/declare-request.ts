/** The body of POST /v1/embeddings/{name}/fields. */
import { parseFields, requiredMember } from './field-parsers.ts';
import { parseDeclaredFields } from './payload-fields.ts';
import type { DeclaredFields } from './payload-fields.ts';

export function parseDeclareRequest(body: unknown): DeclaredFields {
  return parseDeclaredFields(requiredMember(parseFields(body, '', ['fields']), '', 'fields'));
}
