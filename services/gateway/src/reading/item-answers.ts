import { ERROR_REGISTRY, ShoalError, type ErrorCode, type ItemFailure } from '@shoal/protocol';

/** Not to be repeated in general, but another replica may well be sound. */
const DAMAGE: ReadonlySet<ErrorCode> = new Set(['store_corrupt', 'corrupt_message', 'unsupported_version']);
/** Nobody could be asked; that passes when a connection or a shard comes back. */
const UNREACHED: ReadonlySet<ErrorCode> = new Set(['slot_unavailable', 'bus_unreachable', 'not_ready']);

/** Whether a failure is that of the replica, so that another one may answer. */
export const isOfReplica = (code: ErrorCode): boolean => ERROR_REGISTRY[code].retryable || DAMAGE.has(code);

/** The answers to the items of one question, from however many replicas. */
export class ItemAnswers<Answer extends { readonly ok: true }> {
  readonly #count: number;
  /** What the first replica answered, when that is all that is to be said. */
  #whole: readonly (Answer | ItemFailure)[] | undefined;
  readonly #settled = new Map<number, Answer | ItemFailure>();
  readonly #failures = new Map<number, ItemFailure>();
  /** Of the last replica that gave no answer at all. */
  #error: ShoalError | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  get isComplete(): boolean {
    return this.#whole !== undefined || this.#settled.size === this.#count;
  }

  /** Indexes of the items that wait for an answer; undefined for all of them. */
  open(): readonly number[] | undefined {
    if (this.#settled.size === 0) return undefined;
    return Array.from({ length: this.#count }, (_, index) => index).filter((index) => !this.#settled.has(index));
  }

  /** What a replica answered to the items of these indexes. The first answer to an item counts. */
  take(indexes: readonly number[] | undefined, answers: readonly (Answer | ItemFailure)[]): void {
    if (this.isComplete) return;
    if (this.#settled.size === 0 && answers.length === this.#count && answers.every(isFinal)) {
      this.#whole = answers;
      return;
    }
    answers.forEach((answer, position) => {
      const index = indexes === undefined ? position : indexes[position];
      if (index === undefined || this.#settled.has(index)) return;
      if (answer.ok || isFinal(answer)) this.#settled.set(index, answer);
      else this.#failures.set(index, answer);
    });
  }

  fail(error: ShoalError): void {
    this.#error = error;
  }

  /** Whether what is missing is missing because nobody could be asked. */
  get isUnreached(): boolean {
    const open = this.open() ?? [...this.#failures.keys()];
    return open.every((index) => UNREACHED.has(this.#failures.get(index)?.error ?? 'slot_unavailable')) && (this.#error === undefined || UNREACHED.has(this.#error.code));
  }

  /** One per item; with the failure where no replica answered. Throws the error of the transport when no item has anything else. */
  all(): readonly (Answer | ItemFailure)[] {
    if (this.#whole !== undefined) return this.#whole;
    const error = this.#error ?? new ShoalError('internal', 'No replica was asked.');
    if (this.#settled.size === 0 && this.#failures.size === 0 && this.#count > 0) throw error;
    return Array.from({ length: this.#count }, (_, index) =>
      this.#settled.get(index) ?? this.#failures.get(index) ?? { ok: false, error: error.code, message: error.message });
  }
}

const isFinal = (answer: { readonly ok: true } | ItemFailure): boolean => answer.ok || !isOfReplica(answer.error);
