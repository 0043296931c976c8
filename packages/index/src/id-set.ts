/** A set of small integers, a bit each; grows with the largest. */
export class IdSet {
  #words = new Uint32Array(4);

  /** True when the id was not in the set before. */
  add(id: number): boolean {
    const word = id >>> 5;
    if (word >= this.#words.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    const bits = this.#words[word] as number;
    const bit = 1 << (id & 31);
    this.#words[word] = bits | bit;
    return (bits & bit) === 0;
  }
}
