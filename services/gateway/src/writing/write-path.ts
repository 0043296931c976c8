import type { LogEntry, MutationLog } from '@shoal/bus';
import { withinSpan, type TracedSpan } from '@shoal/telemetry';
import {
  ShoalError, digestText, receiptToJson,
  type DeletedOutcome, type IdempotencyScope, type MutationAddress, type OperationId, type Receipt, type Sequence, type Slot, type VectorOperation, type Wait,
} from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Clock, Timers } from '@shoal/pacing';
import { ExtendedError } from '../failure.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { Replicas } from '../cluster/replica.ts';
import type { AppliedWait } from './applied-wait.ts';
import type { ApplyBacklog } from './apply-backlog.ts';
import { IdempotencyMemory } from './idempotency-memory.ts';
import { JointMessages, mayShare } from './joint-messages.ts';
import { requireMemory } from './memory-room.ts';
import { randomNames, repeatableNames, type MessageNames } from './message-names.ts';
import { everyKnown, named, outcomesByItem, refuseOutcomes, type Answers, type ItemOutcome } from './write-outcomes.ts';
import { messagesOf, partsOf, planDeleteMatching, receiptOf, type PartitionPart, type PlannedMessage } from './write-plan.ts';

export interface WritePathDependencies {
  readonly log: MutationLog;
  readonly appliedWait: AppliedWait;
  readonly backlog: ApplyBacklog;
  readonly replicas: Pick<Replicas, 'replicasOf'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newOperationId: () => OperationId;
}

interface Order {
  readonly wait: Wait;
  readonly timeoutMs: number;
  /** Under which the caller may repeat the write. */
  readonly idempotencyKey?: string;
}

export interface WriteOrder extends Order {
  readonly operations: readonly VectorOperation[];
}

export interface DeleteMatchingOrder extends Order {
  /** UTF-8 JSON text. */
  readonly filter: Uint8Array;
}

export interface WriteResult {
  readonly accepted: number;
  readonly receipt: Receipt;
  /** In the caller's order. Only after `wait: "applied"`, and only when the shards remembered all of them. */
  readonly outcomes?: readonly ItemOutcome[];
  /** How many vectors a filter deleted; as outcomes. */
  readonly deleted?: number;
}

/** What goes to the log on behalf of one write. */
interface Outgoing {
  /** Of each message. */
  readonly addresses: readonly MutationAddress[];
  /** Resolves when every message is durable. `answers` waits until they are applied, until the deadline at most. */
  readonly send: (deadlineMs: number) => Promise<{ readonly sequences: readonly Sequence[]; readonly answers: () => Promise<Answers> }>;
}

/**
 * Writes to the log.
 *
 * Invariants:
 * 1. Operations come here parsed as a whole: nothing of a request is published when any item of it is bad.
 * 2. The receipt exists exactly when the log has acknowledged every message of the write.
 * 3. An error after that point carries the receipt: the write will be applied.
 */
export class WritePath {
  /** Writes that wait now: to be durable in the log, and to be applied. */
  readonly waiting: Record<'log' | 'applied', number> = { log: 0, applied: 0 };
  readonly #dependencies: WritePathDependencies;
  readonly #joint: JointMessages;
  readonly #memory = new IdempotencyMemory(GATEWAY_LIMITS.idempotencyKeys);

  constructor(dependencies: WritePathDependencies) {
    this.#dependencies = dependencies;
    this.#joint = new JointMessages(dependencies);
  }

  /** `request` is the span of the request where it is traced. Throws `log_unavailable`, `overloaded`, `idempotency_key_reused`, `engine_memory_full`, and with wait "applied" `receipt_timeout`, `embedding_dropped` or `engine_memory_full`. */
  async write(record: EmbeddingRecord, order: WriteOrder, request?: TracedSpan): Promise<WriteResult> {
    const { operations } = order;
    const parts = partsOf(record, operations, this.#dependencies.log.slots);
    requireMemory(this.#dependencies.replicas, record.spec.code, new Set(parts.map(({ address }) => address.slot)), operations);
    // What is repeated under a key, or traced, needs messages of its own.
    const joins = order.idempotencyKey === undefined && request === undefined && mayShare(operations, record.spec.dim);
    const messages = joins ? parts : messagesOf(record, parts, this.#names(record, order));
    const outgoing = joins ? this.#jointly(record, order, parts) : this.#alone(record, order, messages as readonly PlannedMessage[], request);
    return this.#publish(order, outgoing, operations.length, (answers) => {
      const outcomes = outcomesByItem(messages, answers, operations.length);
      refuseOutcomes(record, outcomes);
      return everyKnown(outcomes) ? { outcomes: named(operations, outcomes) } : {};
    });
  }

  /** Deletes every vector that passes a filter at the place of this write in the log. Throws as `write`. */
  async deleteMatching(record: EmbeddingRecord, order: DeleteMatchingOrder, request?: TracedSpan): Promise<WriteResult> {
    const messages = planDeleteMatching(record, order.filter, this.#dependencies.log.slots, this.#names(record, order));
    return this.#publish(order, this.#alone(record, order, messages, request), messages.length, (answers) => {
      const deleted = answers.map((answer) => answer.deleted);
      refuseOutcomes(record, deleted.map((one) => one?.refused));
      return deleted.every((one): one is DeletedOutcome => one !== undefined) ? { deleted: deleted.reduce((sum, { count }) => sum + count, 0) } : {};
    });
  }

  #names({ spec }: EmbeddingRecord, { idempotencyKey }: Order): MessageNames {
    if (idempotencyKey === undefined) return randomNames(this.#dependencies.newOperationId);
    return repeatableNames(scopeOf(spec, idempotencyKey));
  }

  async #publish({ wait, timeoutMs }: Order, outgoing: Outgoing, accepted: number, resultOf: (answers: Answers) => Partial<WriteResult>): Promise<WriteResult> {
    const { clock, backlog } = this.#dependencies;
    const deadlineMs = clock.nowMs() + timeoutMs;
    await backlog.room(new Set(outgoing.addresses.map(({ slot }) => slot)), timeoutMs);
    const { sequences, answers } = await this.#counted('log', outgoing.send(deadlineMs));
    const receipt = receiptOf(outgoing.addresses, sequences);
    for (const [slot, sequence] of receipt) backlog.note(slot, sequence);
    if (wait === 'logged') return { accepted, receipt };
    try {
      return { accepted, receipt, ...resultOf(await this.#counted('applied', answers())) };
    } catch (error) {
      throw withReceipt(error, receipt);
    }
  }

  async #counted<Result>(stage: 'log' | 'applied', work: Promise<Result>): Promise<Result> {
    this.waiting[stage] += 1;
    try {
      return await work;
    } finally {
      this.waiting[stage] -= 1;
    }
  }

  /** Every part in a message that it may share with other writes. */
  #jointly({ spec }: EmbeddingRecord, { wait }: Order, parts: readonly PartitionPart[]): Outgoing {
    return {
      addresses: parts.map(({ address }) => address),
      send: async (deadlineMs) => {
        const logged = await Promise.all(parts.map(({ address, operations }) => this.#joint.join({ address, dim: spec.dim, operations, awaited: wait === 'applied' }, deadlineMs)));
        return { sequences: logged.map(({ sequence }) => sequence), answers: () => Promise.all(logged.map((share) => share.answer())) };
      },
    };
  }

  #alone({ spec }: EmbeddingRecord, { idempotencyKey }: Order, messages: readonly PlannedMessage[], request: TracedSpan | undefined): Outgoing {
    if (idempotencyKey !== undefined) this.#memory.note(scopeOf(spec, idempotencyKey), digestText(messages.map(({ entry }) => entry.operationId).join()));
    return {
      addresses: messages.map(({ entry }) => entry.address),
      send: async (deadlineMs) => {
        const sequences = await this.#log(messages.map(({ entry }) => entry), Math.max(1, deadlineMs - this.#dependencies.clock.nowMs()), request);
        return { sequences, answers: () => this.#answers(messages, sequences, deadlineMs, request) };
      },
    };
  }

  /** Messages of a traced request bear its trace, for the shards that apply them. */
  #log(entries: readonly LogEntry[], timeoutMs: number, request: TracedSpan | undefined): Promise<readonly Sequence[]> {
    const { log } = this.#dependencies;
    if (request === undefined) return log.publish(entries, { timeoutMs });
    const span = request.child('log publish', { 'shoal.log.messages': entries.length }, 'producer');
    return withinSpan([span], () => log.publish(entries.map((entry) => ({ ...entry, traceParent: span.parent })), { timeoutMs }));
  }

  /** What became of each message; nothing where the shard no longer remembers. */
  async #answers(messages: readonly PlannedMessage[], sequences: readonly Sequence[], deadlineMs: number, request: TracedSpan | undefined): Promise<Answers> {
    const bySlot = Map.groupBy(messages.keys(), (index): Slot | undefined => messages[index]?.entry.address.slot);
    const byMessage = messages.map((): Answers[number] => ({}));
    await Promise.all([...bySlot].map(async ([slot, indexes]) => {
      if (slot === undefined) return;
      const wanted = indexes.map((index) => sequences[index] ?? (0 as Sequence));
      const answers = await this.#dependencies.appliedWait.wait(slot, wanted, deadlineMs, request);
      indexes.forEach((index, position) => {
        byMessage[index] = answers[position] ?? {};
      });
    }));
    return byMessage;
  }
}

const scopeOf = ({ tenant, code }: EmbeddingRecord['spec'], key: string): IdempotencyScope => ({ tenant, code, key });

/** The write is in the log, so its caller gets the receipt along with the error. Running out of time has one name here. */
function withReceipt(error: unknown, receipt: Receipt): unknown {
  if (!(error instanceof ShoalError)) return error;
  const code = error.code === 'deadline_exceeded' ? 'receipt_timeout' : error.code;
  const speaksForItself = code === 'embedding_dropped' || code === 'idempotency_key_reused' || code === 'engine_memory_full';
  const sentence = speaksForItself ? error.message : `The write is logged, but: ${error.message}`;
  return new ExtendedError(code, sentence, { receipt: receiptToJson(receipt) });
}
