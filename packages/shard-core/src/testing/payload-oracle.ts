/** What a history of payload-scenarios.ts means, as a plain Map; and its messages as a log would hold them. */
import {
  SUBJECTS, encodeMutation, filterBytes, matchesFilter, mergePayload, parseFilter, payloadToJson,
  type DeletedOutcome, type FilterJson, type Mutation, type OperationId, type Outcome, type Partition, type Sequence, type VectorKey, type VectorOperation,
} from '@shoal/protocol';
import type { SlotMessage } from '../read-message.ts';
import { ALL_FIELDS, DIM, FIRST_FIELDS, SLOT, SPEC, type Change, type Step } from './payload-scenarios.ts';

interface OracleVector {
  readonly sequence: Sequence;
  readonly payload: Uint8Array | undefined;
}

type OracleOutcome = readonly Outcome[] | DeletedOutcome;
type Head = Pick<Mutation, 'operationId' | 'code' | 'partition'>;

const bytesOf = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const idOf = (number: number): OperationId => number.toString(16).padStart(32, '0') as OperationId;

export class PayloadOracle {
  readonly vectors = new Map<string, OracleVector>();
  readonly outcomes = new Map<number, OracleOutcome>();
  readonly messages: SlotMessage[] = [];
  #fields = FIRST_FIELDS;
  readonly #keyed: { readonly mutation: Mutation; readonly outcome: OracleOutcome }[] = [];
  #sequence = 0;
  #identities = 0;

  constructor(history: readonly Step[]) {
    this.#append({ type: 'define', ...this.#head(), spec: SPEC });
    for (const step of history) this.#play(step);
    this.#play({ type: 'declare' });
  }

  /** The keys that pass, in order. */
  passing(json: FilterJson | undefined): string[] {
    const all = [...this.vectors.keys()].sort();
    if (json === undefined) return all;
    const filter = parseFilter(json, this.#fields);
    return all.filter((key) => {
      const stored = this.vectors.get(key)?.payload;
      return matchesFilter(filter, this.#fields, { key, payload: stored === undefined ? undefined : payloadToJson(stored) });
    });
  }

  #head(): Head {
    this.#identities += 1;
    return { operationId: idOf(this.#identities), code: SPEC.code, partition: 0 as Partition };
  }

  #append(mutation: Mutation): Sequence {
    this.#sequence += 1 + (this.#sequence % 3);
    const subject = SUBJECTS.mutation({ slot: SLOT, code: SPEC.code, partition: 0 as Partition });
    this.messages.push({ sequence: this.#sequence as Sequence, subject, timeMs: this.#sequence, bytes: encodeMutation(mutation) });
    return this.#sequence as Sequence;
  }

  #play(step: Step): void {
    if (step.type === 'declare') {
      this.#append({ type: 'declare', ...this.#head(), fields: ALL_FIELDS });
      this.#fields = ALL_FIELDS;
      return;
    }
    const earlier = this.#keyed.at(-1);
    if (step.keyed === 'repeat' && earlier !== undefined) {
      this.outcomes.set(this.#append(earlier.mutation), earlier.outcome);
      return;
    }
    const head = this.#head();
    const reusedId = step.keyed === 'reuse' && earlier !== undefined && 'idempotencyId' in earlier.mutation ? earlier.mutation.idempotencyId : undefined;
    const idempotencyId = reusedId ?? (step.keyed === 'no' ? undefined : idOf(1_000_000 + this.#identities));
    const mutation = this.#mutationOf(step, head, idempotencyId);
    const sequence = this.#append(mutation);
    const outcome = this.#carryOut(mutation, sequence, reusedId !== undefined);
    this.outcomes.set(sequence, outcome);
    if (idempotencyId !== undefined && reusedId === undefined) this.#keyed.push({ mutation, outcome });
  }

  #mutationOf(step: Exclude<Step, { readonly type: 'declare' }>, head: Head, idempotencyId: OperationId | undefined): Mutation {
    const repeatable = idempotencyId === undefined ? head : { ...head, idempotencyId };
    if (step.type === 'write') return { type: 'write', ...repeatable, dim: DIM, operations: step.changes.map((one) => this.#operationOf(one)) };
    return { type: 'delete_matching', ...repeatable, filter: filterBytes(parseFilter(step.filter, this.#fields), this.#fields) };
  }

  #operationOf(one: Change): VectorOperation {
    const name = `k${one.key}` as VectorKey;
    const present = this.vectors.get(name)?.sequence ?? 0;
    const common = one.condition === 'none' ? { key: name } : { key: name, ifSequence: (one.condition === 'right' ? present : present + 7) as Sequence };
    if (one.type === 'delete') return { type: 'delete', ...common };
    const given = one.payload === undefined ? undefined : bytesOf(one.payload);
    if (one.type === 'merge_payload' || one.type === 'replace_payload') return { type: one.type, ...common, payload: given ?? bytesOf({}) };
    const vector = Float32Array.of(one.key, 1);
    return given === undefined ? { type: one.type, ...common, vector } : { type: one.type, ...common, vector, payload: given };
  }

  #carryOut(mutation: Mutation, sequence: Sequence, isReused: boolean): OracleOutcome {
    if (mutation.type === 'delete_matching') {
      if (isReused) return { count: 0, refused: 'key_reused' };
      const found = this.passing(JSON.parse(new TextDecoder().decode(mutation.filter)) as FilterJson);
      for (const key of found) this.vectors.delete(key);
      return { count: found.length };
    }
    if (mutation.type !== 'write') return [];
    return mutation.operations.map((operation) => (isReused ? 'key_reused' : this.#apply(operation, sequence)));
  }

  #apply(operation: VectorOperation, sequence: Sequence): Outcome {
    const current = this.vectors.get(operation.key);
    if (operation.ifSequence !== undefined && operation.ifSequence !== (current?.sequence ?? 0)) return 'conflict';
    switch (operation.type) {
      case 'upsert':
      case 'insert':
        if (current !== undefined && operation.type === 'insert') return 'exists';
        this.vectors.set(operation.key, { sequence, payload: operation.payload });
        return current === undefined ? 'created' : 'replaced';
      case 'delete':
        return this.vectors.delete(operation.key) ? 'deleted' : 'absent';
      case 'merge_payload':
      case 'replace_payload':
        if (current === undefined) return 'absent';
        this.vectors.set(operation.key, { sequence, payload: operation.type === 'replace_payload' ? operation.payload : mergePayload(current.payload, operation.payload) });
        return 'updated';
    }
  }
}
