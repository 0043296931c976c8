/** Registration of an embedding: parsing the request, parsing the stored specification, and when two are the same. */
import { createHash } from 'node:crypto';
import { DISTANCES, RABITQ_BITS, STORAGES, VECTOR_MEMORIES, memoryOf } from './embedding-spec.ts';
import type { Distance, EmbeddingSpec, HnswParameters, RabitqParameters, Storage } from './embedding-spec.ts';
import { memberPath, parseChoice, parseFields, parseWholeNumber, requiredMember } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { parseEmbeddingCode, parseEmbeddingName, parseTenantId } from './ids.ts';
import type { EmbeddingName, TenantId } from './ids.ts';
import { DEFAULTS, LIMITS } from './limits.ts';
import { fieldsToJson, parseDeclaredFields } from './payload-fields.ts';
import type { FieldsJson } from './payload-fields.ts';
import { ShoalError } from './shoal-error.ts';

/** What the caller of POST /v1/embeddings decides; the service adds tenant and code. Every default is filled in. */
export type Registration = Omit<EmbeddingSpec, 'code' | 'tenant'>;

const REGISTRATION_FIELDS = ['name', 'model', 'dim', 'distance', 'hnsw', 'rabitq', 'storage', 'partitions', 'replicas', 'fields'] as const;
const SPEC_FIELDS = ['code', 'tenant', ...REGISTRATION_FIELDS] as const;
const CONTROL_CHARACTERS = /\p{Cc}/u;

function parseModel(value: unknown, field: string): string {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= LIMITS.modelChars;
  if (!fits || !value.isWellFormed() || CONTROL_CHARACTERS.test(value)) {
    throw new ShoalError('invalid_field', `${field} must be 1 to ${LIMITS.modelChars} characters, none of them a control character.`, {
      field,
      limit: LIMITS.modelChars,
    });
  }
  return value;
}

type Fallback<Value> = (field: string) => Value;

/** A stored specification states everything; a request may leave this out. */
function memberOr<Value>(fields: Fields, parent: string, name: string, parse: (value: unknown, field: string) => Value, fallback?: Fallback<Value>): Value {
  if (fallback !== undefined && fields[name] === undefined) return fallback(memberPath(parent, name));
  return parse(requiredMember(fields, parent, name), memberPath(parent, name));
}

const whole = (minimum: number, maximum: number) => (value: unknown, field: string) => parseWholeNumber(value, field, minimum, maximum);
const otherwise = <Value>(value: Value, filled: boolean): Fallback<Value> | undefined => (filled ? () => value : undefined);

function parseHnsw(value: unknown, field: string, filled: boolean): HnswParameters {
  const fields = parseFields(value, field, ['m', 'efConstruction', 'seed']);
  return {
    m: memberOr(fields, field, 'm', whole(2, LIMITS.hnswM), otherwise(DEFAULTS.m, filled)),
    efConstruction: memberOr(fields, field, 'efConstruction', whole(1, LIMITS.hnswEfConstruction), otherwise(DEFAULTS.efConstruction, filled)),
    seed: memberOr(fields, field, 'seed', whole(0, LIMITS.seed), otherwise(DEFAULTS.hnswSeed, filled)),
  };
}

function parseRabitq(value: unknown, field: string, filled: boolean): RabitqParameters {
  const fields = parseFields(value, field, ['bits', 'seed', 'memory']);
  const memory = fields['memory'] === undefined ? 'full' : parseChoice(fields['memory'], memberPath(field, 'memory'), VECTOR_MEMORIES);
  return {
    bits: memberOr(fields, field, 'bits', (bits, path) => parseChoice(bits, path, RABITQ_BITS), otherwise(DEFAULTS.rabitqBits, filled)),
    seed: memberOr(fields, field, 'seed', whole(0, LIMITS.seed), otherwise(DEFAULTS.rabitqSeed, filled)),
    ...(memory === 'full' ? {} : { memory }),
  };
}

/** `filled`: members that are left out take their defaults; otherwise each must be there. */
function parseParameters(fields: Fields, filled: boolean): Registration {
  const model = memberOr(fields, '', 'model', parseModel);
  const dim = memberOr(fields, '', 'dim', whole(1, LIMITS.dim));
  const distance = memberOr(fields, '', 'distance', (value, field) => parseChoice(value, field, DISTANCES));
  return {
    name: memberOr(fields, '', 'name', parseEmbeddingName, filled ? () => derivedName(model, dim, distance) : undefined),
    model,
    dim,
    distance,
    hnsw: memberOr(fields, '', 'hnsw', (value, field) => parseHnsw(value, field, filled), filled ? (field) => parseHnsw({}, field, true) : undefined),
    rabitq: memberOr(fields, '', 'rabitq', (value, field) => parseRabitq(value, field, filled), filled ? (field) => parseRabitq({}, field, true) : undefined),
    storage: memberOr<Storage>(fields, '', 'storage', (value, field) => parseChoice(value, field, STORAGES), otherwise<Storage>('f32', filled)),
    partitions: memberOr(fields, '', 'partitions', whole(1, LIMITS.partitions), otherwise(DEFAULTS.partitions, filled)),
    replicas: memberOr(fields, '', 'replicas', whole(1, LIMITS.replicas), otherwise(DEFAULTS.replicas, filled)),
    // Specifications without fields do not mention them, as before there were any.
    fields: fields['fields'] === undefined ? [] : parseDeclaredFields(fields['fields']),
  };
}

/**
 * Parses the body of POST /v1/embeddings; `model`, `dim` and `distance` are required, the rest has defaults.
 * Throws `malformed_body`, `unknown_field`, `missing_field` or `invalid_field`, naming the field and the limit.
 */
export function parseRegistration(body: unknown): Registration {
  const registration = parseParameters(parseFields(body, '', REGISTRATION_FIELDS), true);
  if (registration.storage !== 'f32') {
    throw new ShoalError('invalid_field', 'storage must be f32: vectors are stored as float32 only in this release.', { field: 'storage' });
  }
  return registration;
}

/**
 * Parses a complete specification, as it stands in the log and in the registry. Every member must be there, none else.
 * Throws as `parseRegistration` does; who reads stored bytes makes that a corruption.
 */
export function parseEmbeddingSpec(value: unknown): EmbeddingSpec {
  const fields = parseFields(value, '', SPEC_FIELDS);
  const code = memberOr(fields, '', 'code', parseEmbeddingCode);
  const tenant = memberOr(fields, '', 'tenant', parseTenantId);
  return { code, tenant, ...parseParameters(fields, false) };
}

export type EmbeddingSpecJson = Omit<EmbeddingSpec, 'fields'> & { readonly fields?: FieldsJson };

/** The members of a specification in fixed order and nothing else, so that equal specifications give equal JSON text. */
export function embeddingSpecToJson(spec: EmbeddingSpec): EmbeddingSpecJson {
  const { code, tenant, name, model, dim, distance, storage, partitions, replicas } = spec;
  const hnsw = { m: spec.hnsw.m, efConstruction: spec.hnsw.efConstruction, seed: spec.hnsw.seed };
  const rabitq = { bits: spec.rabitq.bits, seed: spec.rabitq.seed, ...(spec.rabitq.memory === undefined ? {} : { memory: spec.rabitq.memory }) };
  const fields = spec.fields.length === 0 ? {} : { fields: fieldsToJson(spec.fields) };
  return { code, tenant, name, model, dim, distance, hnsw, rabitq, storage, partitions, replicas, ...fields };
}

/** The name of an embedding that was registered without one: `text-embedding-3-small-1536-cosine`. */
export function derivedName(model: string, dim: number, distance: Distance): EmbeddingName {
  const suffix = `-${dim}-${distance}`;
  const slug = model
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, LIMITS.nameChars - suffix.length)
    .replace(/[^a-z0-9]+$/, '');
  return parseEmbeddingName((slug === '' ? 'embedding' : slug) + suffix);
}

/** The part of an embedding that makes it the same on another registration. */
export type EmbeddingIdentity = Pick<EmbeddingSpec, 'model' | 'dim' | 'distance'>;

/** SHA-256, as 64 hexadecimal digits, of (tenant, model, dim, distance): the registry's key for "is it there already?". */
export function identityOf(tenant: TenantId, identity: EmbeddingIdentity): string {
  return createHash('sha256').update(JSON.stringify([tenant, identity.model, identity.dim, identity.distance])).digest('hex');
}

/** Whether everything outside identity and name is equal, so that registering `b` over `a` is no conflict. */
export function sameParameters(a: Registration, b: Registration): boolean {
  return (
    a.hnsw.m === b.hnsw.m &&
    a.hnsw.efConstruction === b.hnsw.efConstruction &&
    a.hnsw.seed === b.hnsw.seed &&
    a.rabitq.bits === b.rabitq.bits &&
    a.rabitq.seed === b.rabitq.seed &&
    memoryOf(a.rabitq) === memoryOf(b.rabitq) &&
    a.storage === b.storage &&
    a.partitions === b.partitions &&
    a.replicas === b.replicas &&
    JSON.stringify(a.fields) === JSON.stringify(b.fields)
  );
}
