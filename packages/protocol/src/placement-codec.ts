/**
 * The values of placement in the registry.
 *
 *     value = "SHLP" version:u8=1 type:u8 zero:u16 JSON as UTF-8, to the end crc:u32       (envelope: message-envelope.ts)
 *     type 0 = map       {epoch, replicas, shards: [name], drained: [shard], pins: [[slot, shard]], slots: [[[shard, state]]]}
 *                        where shard is an index into shards, and state is 0 joining, 1 ready, 2 leaving
 *     type 1 = member    {shard, version, run, storeId, capacity, renewalCount}
 *     type 2 = controller {holder, renewalCount}
 *
 * Members that this release does not know are ignored, for other processes may be newer.
 */
import { isJsonObject, parseArray, parseWholeNumber, requiredMember, type Fields } from './field-parsers.ts';
import { parseShardId, parseSlot, type ShardId, type Slot } from './ids.ts';
import { LIMITS } from './limits.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { ControllerLease, MemberLease, PlacementMap, Replica, ReplicaState } from './placement-map.ts';
import { ShoalError } from './shoal-error.ts';

const KIND = { magic: 'SHLP', version: 1, subject: 'placement value' } as const;
const TYPES = { map: 0, member: 1, controller: 2 } as const;
const STATES: readonly ReplicaState[] = ['joining', 'ready', 'leaving'];

function encode(type: keyof typeof TYPES, value: object): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(value));
  const writer = beginMessage(KIND, TYPES[type], 0, ENVELOPE_BYTES + json.byteLength);
  writer.raw(json);
  return writer.seal();
}

/** Throws `corrupt_message` or `unsupported_version`. */
function decode<Value>(wanted: keyof typeof TYPES, bytes: Uint8Array, parse: (fields: Fields) => Value): Value {
  const { type, extra, body } = openMessage(KIND, bytes);
  if (type !== TYPES[wanted] || extra !== 0) throw body.error('it is of another type', 'type');
  const text = body.text(body.remainingBytes, 'json');
  try {
    const fields: unknown = JSON.parse(text);
    if (!isJsonObject(fields)) throw new ShoalError('invalid_field', 'The value must be a JSON object.', { field: 'json' });
    return parse(fields);
  } catch (cause) {
    if (cause instanceof ShoalError) throw body.error(`${cause.field ?? 'a member'} cannot be read`, cause.field, cause);
    if (cause instanceof SyntaxError) throw body.error('it is not JSON', 'json', cause);
    throw cause;
  }
}

function count(fields: Fields, name: string, minimum = 0): number {
  return parseWholeNumber(requiredMember(fields, '', name), name, minimum, Number.MAX_SAFE_INTEGER);
}

function shortText(fields: Fields, name: string): string {
  const text = requiredMember(fields, '', name);
  if (typeof text !== 'string' || text.length > LIMITS.nameChars) {
    throw new ShoalError('invalid_field', `${name} must be a short text.`, { field: name, limit: LIMITS.nameChars });
  }
  return text;
}

export function encodePlacementMap(map: PlacementMap): Uint8Array<ArrayBuffer> {
  const shards = [...new Set([...map.drained, ...map.pins.values(), ...map.slots.flat().map(({ shard }) => shard)])].sort();
  const indexes = new Map(shards.map((shard, index) => [shard, index]));
  return encode('map', {
    epoch: map.epoch,
    replicas: map.replicas,
    shards,
    drained: map.drained.map((shard) => indexes.get(shard)),
    pins: [...map.pins].map(([slot, shard]) => [slot, indexes.get(shard)]),
    slots: map.slots.map((replicas) => replicas.map(({ shard, state }) => [indexes.get(shard), STATES.indexOf(state)])),
  });
}

export function decodePlacementMap(bytes: Uint8Array): PlacementMap {
  return decode('map', bytes, (fields) => {
    const shards = parseArray(requiredMember(fields, '', 'shards'), 'shards', 0, LIMITS.shards).map((name) => parseShardId(name, 'shards'));
    const shardAt = (value: unknown, field: string): ShardId => {
      const shard = shards[parseWholeNumber(value, field, 0, shards.length - 1)];
      if (shard === undefined) throw new ShoalError('invalid_field', `${field} names no shard.`, { field });
      return shard;
    };
    return {
      epoch: count(fields, 'epoch'),
      replicas: parseWholeNumber(requiredMember(fields, '', 'replicas'), 'replicas', 1, LIMITS.replicas),
      drained: parseArray(requiredMember(fields, '', 'drained'), 'drained', 0, LIMITS.shards).map((shard) => shardAt(shard, 'drained')),
      pins: new Map(parseArray(requiredMember(fields, '', 'pins'), 'pins', 0, LIMITS.slots).map((pin): [Slot, ShardId] => {
        const [slot, shard] = parseArray(pin, 'pins', 2, 2);
        return [parseSlot(slot, 'pins'), shardAt(shard, 'pins')];
      })),
      slots: parseArray(requiredMember(fields, '', 'slots'), 'slots', 1, LIMITS.slots).map((replicas) => {
        return parseArray(replicas, 'slots', 0, LIMITS.shards).map((replica) => parseReplica(replica, shardAt));
      }),
    };
  });
}

function parseReplica(value: unknown, shardAt: (value: unknown, field: string) => ShardId): Replica {
  const [shard, state] = parseArray(value, 'slots', 2, 2);
  const name = STATES[parseWholeNumber(state, 'slots', 0, STATES.length - 1)];
  if (name === undefined) throw new ShoalError('invalid_field', 'A replica is in no known state.', { field: 'slots' });
  return { shard: shardAt(shard, 'slots'), state: name };
}

export function encodeMemberLease(lease: MemberLease): Uint8Array<ArrayBuffer> {
  return encode('member', lease);
}

export function decodeMemberLease(bytes: Uint8Array): MemberLease {
  return decode('member', bytes, (fields) => ({
    shard: parseShardId(requiredMember(fields, '', 'shard')),
    version: shortText(fields, 'version'),
    run: shortText(fields, 'run'),
    storeId: shortText(fields, 'storeId'),
    capacity: count(fields, 'capacity', 1),
    renewalCount: count(fields, 'renewalCount'),
  }));
}

export function encodeControllerLease(lease: ControllerLease): Uint8Array<ArrayBuffer> {
  return encode('controller', lease);
}

export function decodeControllerLease(bytes: Uint8Array): ControllerLease {
  return decode('controller', bytes, (fields) => ({ holder: shortText(fields, 'holder'), renewalCount: count(fields, 'renewalCount') }));
}
