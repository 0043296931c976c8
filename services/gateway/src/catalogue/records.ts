/**
 * Values of the catalogue in the registry.
 *
 *   value   := json "\n" crc32          crc32: 8 lower-case hexadecimal digits, over the bytes of json
 *   json    := {"v": 1, ...}            the fields of one of the types below
 */
import { crc32 } from 'node:zlib';
import {
  EMBEDDING_STATES, ShoalError, embeddingSpecToJson, parseEmbeddingCode, parseEmbeddingSpec, parseSequence,
  type EmbeddingCode, type EmbeddingSpec, type EmbeddingState, type Sequence,
} from '@shoal/protocol';

const VERSION = 1;
const CHECKSUM_CHARS = 8;

/** `embedding.<code>`. */
export interface EmbeddingRecord {
  readonly spec: EmbeddingSpec;
  readonly state: EmbeddingState;
  readonly createdAtMs: number;
  /** Sequence of the definition of each partition; empty while registering. */
  readonly definedAt: readonly Sequence[];
}

/** `identity.<hash>`: a registration under way or done. `named` once the name is held too. */
export interface IdentityClaim {
  readonly phase: 'claimed' | 'named';
  readonly spec: EmbeddingSpec;
  readonly createdAtMs: number;
}

/** `name.<tenant>.<name>`. */
export interface NameClaim {
  readonly code: EmbeddingCode;
  readonly identity: string;
}

/** `counter.embedding`. */
export interface CodeCounter {
  readonly lastCode: number;
}

type Fields = { readonly [field: string]: unknown };

function seal(fields: Fields): Uint8Array {
  const json = JSON.stringify({ v: VERSION, ...fields });
  const checksum = crc32(json).toString(16).padStart(CHECKSUM_CHARS, '0');
  return Buffer.from(`${json}\n${checksum}`, 'utf8');
}

function damaged(key: string, cause?: unknown): ShoalError {
  return new ShoalError('store_corrupt', `The registry entry ${key} is damaged.`, { cause });
}

function open(key: string, value: Uint8Array): Fields {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  const end = text.length - CHECKSUM_CHARS - 1;
  if (end < 0 || text[end] !== '\n') throw damaged(key);
  const json = text.slice(0, end);
  if (crc32(json).toString(16).padStart(CHECKSUM_CHARS, '0') !== text.slice(end + 1)) throw damaged(key);
  const fields: unknown = JSON.parse(json);
  if (typeof fields !== 'object' || fields === null) throw damaged(key);
  if ((fields as Fields)['v'] !== VERSION) {
    throw new ShoalError('store_incompatible', `The registry entry ${key} was written by another version of Shoal.`);
  }
  return fields as Fields;
}

function member<T extends string>(key: string, value: unknown, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw damaged(key);
  return found;
}

/** The text is whole, so a specification that cannot be read was written by a release with another one. */
function specOf(key: string, value: unknown): EmbeddingSpec {
  try {
    return parseEmbeddingSpec(value);
  } catch (cause) {
    throw new ShoalError('store_incompatible', `The registry entry ${key} was written by another version of Shoal.`, { cause });
  }
}

function timeMs(key: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw damaged(key);
  return value;
}

export const encodeRecord = ({ spec, state, createdAtMs, definedAt }: EmbeddingRecord): Uint8Array =>
  seal({ spec: embeddingSpecToJson(spec), state, createdAtMs, definedAt });
export const encodeIdentityClaim = ({ phase, spec, createdAtMs }: IdentityClaim): Uint8Array =>
  seal({ phase, spec: embeddingSpecToJson(spec), createdAtMs });
export const encodeNameClaim = (claim: NameClaim): Uint8Array => seal({ ...claim });
export const encodeCounter = (counter: CodeCounter): Uint8Array => seal({ ...counter });

export function decodeRecord(key: string, value: Uint8Array): EmbeddingRecord {
  const fields = open(key, value);
  const definedAt = fields['definedAt'];
  if (!Array.isArray(definedAt)) throw damaged(key);
  return {
    spec: specOf(key, fields['spec']),
    state: member(key, fields['state'], EMBEDDING_STATES),
    createdAtMs: timeMs(key, fields['createdAtMs']),
    definedAt: definedAt.map((sequence) => parseSequence(sequence)),
  };
}

export function decodeIdentityClaim(key: string, value: Uint8Array): IdentityClaim {
  const fields = open(key, value);
  return {
    phase: member(key, fields['phase'], ['claimed', 'named']),
    spec: specOf(key, fields['spec']),
    createdAtMs: timeMs(key, fields['createdAtMs']),
  };
}

export function decodeNameClaim(key: string, value: Uint8Array): NameClaim {
  const fields = open(key, value);
  if (typeof fields['identity'] !== 'string') throw damaged(key);
  return { code: parseEmbeddingCode(fields['code']), identity: fields['identity'] };
}

export function decodeCounter(key: string, value: Uint8Array): CodeCounter {
  const lastCode = open(key, value)['lastCode'];
  if (typeof lastCode !== 'number' || !Number.isSafeInteger(lastCode) || lastCode < 0) throw damaged(key);
  return { lastCode };
}
