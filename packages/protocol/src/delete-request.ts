/** The body of POST /v1/embeddings/{name}/delete. */
import { parseArray, parseFields, requiredMember } from './field-parsers.ts';
import { parseVectorKey } from './ids.ts';
import type { VectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import { parseWait } from './write-request.ts';
import type { Wait } from './write-request.ts';

/** 1 to LIMITS.keysPerRequest keys in the caller's order; a key may come twice. */
export interface DeleteRequest {
  readonly keys: readonly VectorKey[];
  readonly wait: Wait;
}

export function parseDeleteRequest(body: unknown): DeleteRequest {
  const fields = parseFields(body, '', ['keys', 'wait']);
  const keys = parseArray(requiredMember(fields, '', 'keys'), 'keys', 1, LIMITS.keysPerRequest);
  return { keys: keys.map((key, i) => parseVectorKey(key, `keys[${i}]`)), wait: parseWait(fields['wait']) };
}
