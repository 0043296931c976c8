/** What the routes of placement take. */
import { parseFields, parseWholeNumber, requiredMember } from './field-parsers.ts';
import { parseShardId, parseSlot, type ShardId, type Slot } from './ids.ts';
import { LIMITS } from './limits.ts';

/** The body of PUT /v1/cluster/pins/{slot}. */
export function parseMoveRequest(body: unknown): { readonly shard: ShardId } {
  const fields = parseFields(body, '', ['shard']);
  return { shard: parseShardId(requiredMember(fields, '', 'shard')) };
}

/** The body of PUT /v1/cluster/replicas. */
export function parseReplicasRequest(body: unknown): { readonly replicas: number } {
  const fields = parseFields(body, '', ['replicas']);
  return { replicas: parseWholeNumber(requiredMember(fields, '', 'replicas'), 'replicas', 1, LIMITS.replicas) };
}

/** A slot as a path has it: decimal digits. */
export function parseSlotText(text: string): Slot {
  return parseSlot(/^\d{1,4}$/.test(text) ? Number(text) : Number.NaN);
}
