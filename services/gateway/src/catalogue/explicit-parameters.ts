/** Which fields of a registration the caller really gave: only these are compared with an embedding that exists already. */
import { memoryOf, type EmbeddingSpec, type Registration } from '@shoal/protocol';

interface Parameter {
  readonly field: string;
  readonly given: (body: Body) => boolean;
  readonly value: (spec: Registration | EmbeddingSpec) => string | number;
}

type Body = { readonly [field: string]: unknown };

const top = (field: string, value: Parameter['value']): Parameter => ({ field, given: (body) => body[field] !== undefined, value });

const nested = (parent: string, field: string, value: Parameter['value']): Parameter => ({
  field: `${parent}.${field}`,
  given: (body) => {
    const inner = body[parent];
    return typeof inner === 'object' && inner !== null && (inner as Body)[field] !== undefined;
  },
  value,
});

const PARAMETERS: readonly Parameter[] = [
  top('name', (spec) => spec.name),
  nested('hnsw', 'm', (spec) => spec.hnsw.m),
  nested('hnsw', 'efConstruction', (spec) => spec.hnsw.efConstruction),
  nested('hnsw', 'seed', (spec) => spec.hnsw.seed),
  nested('rabitq', 'bits', (spec) => spec.rabitq.bits),
  nested('rabitq', 'seed', (spec) => spec.rabitq.seed),
  nested('rabitq', 'memory', (spec) => memoryOf(spec.rabitq)),
  top('storage', (spec) => spec.storage),
  top('partitions', (spec) => spec.partitions),
  top('replicas', (spec) => spec.replicas),
];

export interface ParameterConflict {
  readonly field: string;
  readonly wanted: string | number;
  readonly existing: string | number;
}

/**
 * A registration as it was asked for; `body` is the JSON body that `registration` was parsed from.
 */
export class WantedEmbedding {
  readonly registration: Registration;
  readonly #given: readonly Parameter[];

  constructor(registration: Registration, body: unknown) {
    this.registration = registration;
    this.#given = PARAMETERS.filter(({ given }) => given((body ?? {}) as Body));
  }

  /** The first given parameter that differs from the existing embedding. Fields that it has beside those that are given are none. */
  conflictWith(existing: EmbeddingSpec): ParameterConflict | undefined {
    for (const { name, type } of this.registration.fields) {
      const found = existing.fields.find((field) => field.name === name)?.type ?? 'not declared';
      if (found !== type) return { field: `fields.${name}`, wanted: type, existing: found };
    }
    for (const { field, value } of this.#given) {
      const wanted = value(this.registration);
      const found = value(existing);
      if (wanted !== found) return { field, wanted, existing: found };
    }
    return undefined;
  }
}
