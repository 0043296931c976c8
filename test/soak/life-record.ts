/** One life of an id: live at stamp S when born <= S < died. */
export interface Life {
  readonly vector: Float32Array;
  readonly born: number;
  died: number;
}

/** Every life that a search under way may still see, noted before its group is sent. */
export class LifeRecord {
  readonly #lives = new Map<number, Life[]>();
  #newestStamp = 0;

  /** That of the last group noted: no answer can have seen a later one. */
  get newestStamp(): number {
    return this.#newestStamp;
  }

  begin(id: number, vector: Float32Array, stamp: number): void {
    this.#newestStamp = Math.max(this.#newestStamp, stamp);
    const life = { vector, born: stamp, died: Infinity };
    const lives = this.#lives.get(id);
    if (lives === undefined) this.#lives.set(id, [life]);
    else lives.push(life);
  }

  end(id: number, stamp: number): void {
    const life = this.#lives.get(id)?.at(-1);
    if (life === undefined || life.died !== Infinity) throw new Error(`id ${id} does not live`);
    life.died = stamp;
    this.#newestStamp = Math.max(this.#newestStamp, stamp);
  }

  /** The vector of an id at a stamp. */
  at(id: number, stamp: number): Float32Array | undefined {
    return this.#lives.get(id)?.find(({ born, died }) => born <= stamp && stamp < died)?.vector;
  }

  /** The first vector of an id that had not died by a stamp. */
  notDeadAt(id: number, stamp: number): Float32Array | undefined {
    return this.#lives.get(id)?.find(({ died }) => died > stamp)?.vector;
  }

  *liveAt(stamp: number): Generator<readonly [id: number, vector: Float32Array]> {
    for (const [id, lives] of this.#lives) {
      for (const { vector, born, died } of lives) if (born <= stamp && stamp < died) yield [id, vector];
    }
  }

  /** Forgets lives that no search which sees `stamp` or later can see. */
  forgetBefore(stamp: number): void {
    for (const [id, lives] of this.#lives) {
      const kept = lives.filter(({ died }) => died > stamp);
      if (kept.length === 0) this.#lives.delete(id);
      else if (kept.length < lives.length) this.#lives.set(id, kept);
    }
  }
}
