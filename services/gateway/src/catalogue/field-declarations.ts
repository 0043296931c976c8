/**
 * Declares more fields of embeddings. The registry decides first, by compare-and-set, so that a name has one type for ever; then every
 * partition is told through the log; then the record says from which sequence on each partition knows them, which every read waits for.
 * A gateway that dies in between leaves the record marked, and whoever meets it tells the partitions again.
 */
import type { Timers } from '@shoal/pacing';
import { ShoalError, mergeDeclaredFields, type DeclaredFields, type EmbeddingCode, type Sequence } from '@shoal/protocol';
import { untilSettled } from './contention.ts';
import type { DefinitionPublisher } from './definition.ts';
import type { EmbeddingLifecycle } from './lifecycle.ts';
import type { EmbeddingRecord } from './records.ts';

export class FieldDeclarations {
  readonly #lifecycle: EmbeddingLifecycle;
  readonly #definitions: DefinitionPublisher;
  readonly #timers: Timers;

  constructor(lifecycle: EmbeddingLifecycle, definitions: DefinitionPublisher, timers: Timers) {
    this.#lifecycle = lifecycle;
    this.#definitions = definitions;
    this.#timers = timers;
  }

  /** The record with all fields, each known to every partition. Throws `field_conflict`, `invalid_field` or `embedding_dropped`. */
  declare(code: EmbeddingCode, added: DeclaredFields): Promise<EmbeddingRecord> {
    return untilSettled(this.#timers, 'Declaring fields', async () => {
      const known = await this.#lifecycle.readRecord(code);
      if (known?.record.state !== 'active') throw new ShoalError('embedding_dropped', 'The embedding was dropped before its fields were declared.');
      const { record, revision } = known;
      const fields = mergeDeclaredFields(record.spec.fields, added);
      if (fields.length > record.spec.fields.length) {
        await this.#lifecycle.change({ ...record, spec: { ...record.spec, fields }, fieldsPending: true }, revision);
        return undefined;
      }
      if (record.fieldsPending !== true) return record;
      const { fieldsPending: _pending, ...settled } = record;
      const sequences = await this.#definitions.declare(record.spec);
      return this.#lifecycle.change({ ...settled, definedAt: laterOf(record.definedAt, sequences) }, revision);
    });
  }
}

const laterOf = (before: readonly Sequence[], after: readonly Sequence[]): readonly Sequence[] => after.map((sequence, index) => Math.max(sequence, before[index] ?? 0) as Sequence);
