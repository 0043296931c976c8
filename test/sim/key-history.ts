/** What a version stands for: a vector, or that the key is absent. */
export type State = number | 'absent';

interface Write {
  readonly state: State;
  readonly sentAt: number;
  acknowledgedAt: number;
}

/**
 * Everything that was ever written under one key, by one writer after the other: the reference that answers are compared with.
 * After a write whose fate is unknown the key is left alone, so that an unknown write is always the last.
 */
export class KeyHistory {
  readonly #writes: Write[] = [{ state: 'absent', sentAt: 0, acknowledgedAt: 0 }];

  get isCertain(): boolean {
    return this.#writes.at(-1)?.acknowledgedAt !== Number.POSITIVE_INFINITY;
  }

  get newest(): State {
    return this.#writes.at(-1)?.state ?? 'absent';
  }

  send(state: State, moment: number): void {
    this.#writes.push({ state, sentAt: moment, acknowledgedAt: Number.POSITIVE_INFINITY });
  }

  acknowledge(moment: number): void {
    const last = this.#writes.at(-1);
    if (last !== undefined) last.acknowledgedAt = moment;
  }

  /** The states that a reader may see who asked at one moment, with every receipt until then, and heard at another. */
  visible(askedAt: number, heardAt: number): Set<State> {
    const first = this.#writes.findLastIndex((write) => write.acknowledgedAt <= askedAt);
    return new Set(this.#writes.slice(first).filter((write) => write.sentAt <= heardAt).map((write) => write.state));
  }
}
