/** The body of POST /v1/embeddings/{name}/delete. */
import { parseArray, parseFields } from './field-parsers.ts';
import { parseFilter } from './filter-parser.ts';
import type { Filter } from './filter.ts';
import { parseVectorKey } from './ids.ts';
import type { VectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { ShoalError } from './shoal-error.ts';
import { parseWait } from './write-request.ts';
import type { Wait } from './write-request.ts';

/** Which vectors: 1 to LIMITS.keysPerRequest keys in the caller's order (a key may come twice), or all that pass a filter. */
export type DeleteRequest = { readonly keys: readonly VectorKey[]; readonly wait: Wait } | { readonly filter: Filter; readonly wait: Wait };

export function parseDeleteRequest(body: unknown, declared: DeclaredFields = []): DeleteRequest {
  const fields = parseFields(body, '', ['keys', 'filter', 'wait']);
  if (fields['filter'] !== undefined) {
    if (fields['keys'] !== undefined) throw new ShoalError('invalid_field', 'The request must have only one of keys and filter.', { field: 'filter' });
    return { filter: parseFilter(fields['filter'], declared), wait: parseWait(fields['wait']) };
  }
  if (fields['keys'] === undefined) throw new ShoalError('missing_field', 'Say which vectors: keys or filter is missing.', { field: 'keys' });
  const keys = parseArray(fields['keys'], 'keys', 1, LIMITS.keysPerRequest);
  return { keys: keys.map((key, i) => parseVectorKey(key, `keys[${i}]`)), wait: parseWait(fields['wait']) };
}
