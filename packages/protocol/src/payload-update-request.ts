/** The body of POST /v1/embeddings/{name}/payloads. */
import { parseArray, parseChoice, parseFields, requiredMember } from './field-parsers.ts';
import { parseVectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { PayloadOperation } from './mutation.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { parsePayload } from './payload.ts';
import { parseIfSequence, parseWait } from './write-request.ts';
import type { Wait } from './write-request.ts';

export const PAYLOAD_MODES = ['merge', 'replace'] as const;
/** `merge` is a JSON merge patch (RFC 7396), `replace` gives the whole new payload. */
export type PayloadMode = (typeof PAYLOAD_MODES)[number];

export interface PayloadUpdateRequest {
  /** 1 to LIMITS.updatesPerRequest in the caller's order; a key may come twice. */
  readonly operations: readonly PayloadOperation[];
  readonly wait: Wait;
}

const OPERATION_OF_MODE = { merge: 'merge_payload', replace: 'replace_payload' } as const;

export function parsePayloadUpdate(body: unknown, declared: DeclaredFields): PayloadUpdateRequest {
  const fields = parseFields(body, '', ['updates', 'mode', 'wait']);
  const mode = fields['mode'] === undefined ? 'merge' : parseChoice(fields['mode'], 'mode', PAYLOAD_MODES);
  const updates = parseArray(requiredMember(fields, '', 'updates'), 'updates', 1, LIMITS.updatesPerRequest);
  const operations = updates.map((value, index): PayloadOperation => {
    const path = `updates[${index}]`;
    const update = parseFields(value, path, ['key', 'payload', 'ifSequence']);
    return {
      type: OPERATION_OF_MODE[mode],
      key: parseVectorKey(requiredMember(update, path, 'key'), `${path}.key`),
      payload: parsePayload(requiredMember(update, path, 'payload'), `${path}.payload`, declared),
      ...parseIfSequence(update, path),
    };
  });
  return { operations, wait: parseWait(fields['wait']) };
}
