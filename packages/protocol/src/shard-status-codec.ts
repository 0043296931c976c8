/**
 * The announcement of a shard.
 *
 *     status = "SHLS" version:u8=1 type:u8=0 zero:u16 ShardStatus as UTF-8 JSON, to the end crc:u32     (envelope: message-envelope.ts)
 *
 * Members that this release does not know are ignored, for shards may be newer than the gateways that listen.
 */
import { isJsonObject, parseArray, parseBoolean, parseWholeNumber, requiredMember } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { parseEmbeddingCode, parseSequence, parseShardId, parseSlot } from './ids.ts';
import { LIMITS } from './limits.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { ShardStatus, SlotStatus } from './query.ts';
import { ShoalError } from './shoal-error.ts';
import { parseSlotContent } from './slot-content.ts';

const KIND = { magic: 'SHLS', version: 1, subject: 'shard status' } as const;

export function encodeShardStatus(status: ShardStatus): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(status));
  const writer = beginMessage(KIND, 0, 0, ENVELOPE_BYTES + json.byteLength);
  writer.raw(json);
  return writer.seal();
}

/** Throws `corrupt_message` or `unsupported_version`. */
export function decodeShardStatus(bytes: Uint8Array): ShardStatus {
  const { type, extra, body } = openMessage(KIND, bytes);
  if (type !== 0 || extra !== 0) throw body.error('its reserved bytes are not zero', 'type');
  const text = body.text(body.remainingBytes, 'status');
  try {
    return parseShardStatus(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof ShoalError) throw body.error(`${cause.field ?? 'a member'} cannot be read`, cause.field, cause);
    if (cause instanceof SyntaxError) throw body.error('it is not JSON', 'status', cause);
    throw cause;
  }
}

function parseObject(value: unknown, field: string): Fields {
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${field} must be a JSON object.`, { field });
  return value;
}

function count(fields: Fields, parent: string, name: string): number {
  return parseWholeNumber(requiredMember(fields, parent, name), parent === '' ? name : `${parent}.${name}`, 0, Number.MAX_SAFE_INTEGER);
}

function parseShardStatus(value: unknown): ShardStatus {
  const fields = parseObject(value, 'status');
  const version = requiredMember(fields, '', 'version');
  if (typeof version !== 'string' || version.length > LIMITS.nameChars) {
    throw new ShoalError('invalid_field', 'version must be a short text.', { field: 'version', limit: LIMITS.nameChars });
  }
  return {
    shard: parseShardId(requiredMember(fields, '', 'shard')),
    version,
    count: count(fields, '', 'count'),
    startedAtMs: count(fields, '', 'startedAtMs'),
    slots: parseArray(requiredMember(fields, '', 'slots'), 'slots', 0, LIMITS.slots).map(parseSlotStatus),
    engineMemoryBytes: count(fields, '', 'engineMemoryBytes'),
    engineMemoryMaxBytes: count(fields, '', 'engineMemoryMaxBytes'),
    ...(fields['mapEpoch'] === undefined ? {} : { mapEpoch: count(fields, '', 'mapEpoch') }),
  };
}

function parseSlotStatus(value: unknown, index: number): SlotStatus {
  const path = `slots[${index}]`;
  const fields = parseObject(value, path);
  return {
    slot: parseSlot(requiredMember(fields, path, 'slot'), `${path}.slot`),
    ready: parseBoolean(requiredMember(fields, path, 'ready'), `${path}.ready`),
    ...(fields['lagging'] === undefined || !parseBoolean(fields['lagging'], `${path}.lagging`) ? {} : { lagging: true as const }),
    appliedSequence: parseSequence(requiredMember(fields, path, 'appliedSequence'), `${path}.appliedSequence`),
    setAsideCount: count(fields, path, 'setAsideCount'),
    embeddingCount: count(fields, path, 'embeddingCount'),
    vectorCount: count(fields, path, 'vectorCount'),
    ...(fields['withoutMemory'] === undefined ? {} : { withoutMemory: parseArray(fields['withoutMemory'], `${path}.withoutMemory`, 1, LIMITS.embeddingsWithoutMemory).map((code, at) => parseEmbeddingCode(code, `${path}.withoutMemory[${at}]`)) }),
    ...(fields['pendingCount'] === undefined ? {} : { pendingCount: count(fields, path, 'pendingCount') }),
    ...(fields['content'] === undefined ? {} : { content: parseSlotContent(fields['content'], `${path}.content`) }),
  };
}
