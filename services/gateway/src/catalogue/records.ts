/** Values of the catalogue in the registry, sealed as registry/sealed-json.ts says; the fields are those of the types below. */
import {
  EMBEDDING_STATES, ShoalError, embeddingSpecToJson, parseEmbeddingCode, parseEmbeddingSpec, parseSequence,
  type EmbeddingCode, type EmbeddingSpec, type EmbeddingState, type Sequence,
} from '@shoal/protocol';
import { damaged, open, seal } from '../registry/sealed-json.ts';

/** `embedding.<code>`. */
export interface EmbeddingRecord {
  readonly spec: EmbeddingSpec;
  readonly state: EmbeddingState;
  readonly createdAtMs: number;
  /** Sequence of the definition of each partition; empty while registering. */
  readonly definedAt: readonly Sequence[];
  /** There while not every partition may know all fields yet. */
  readonly fieldsPending?: true;
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
  /** The name is a further one of the embedding. */
  readonly alias?: true;
}

/** `counter.embedding`. */
export interface CodeCounter {
  readonly lastCode: number;
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

export const encodeRecord = ({ spec, state, createdAtMs, definedAt, fieldsPending }: EmbeddingRecord): Uint8Array =>
  seal({ spec: embeddingSpecToJson(spec), state, createdAtMs, definedAt, ...(fieldsPending === undefined ? {} : { fieldsPending }) });
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
    ...(fields['fieldsPending'] === true ? { fieldsPending: true } : {}),
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
  return { code: parseEmbeddingCode(fields['code']), identity: fields['identity'], ...(fields['alias'] === true ? { alias: true } : {}) };
}

export function decodeCounter(key: string, value: Uint8Array): CodeCounter {
  const lastCode = open(key, value)['lastCode'];
  if (typeof lastCode !== 'number' || !Number.isSafeInteger(lastCode) || lastCode < 0) throw damaged(key);
  return { lastCode };
}
