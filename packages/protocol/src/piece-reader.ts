/** Takes exact numbers of bytes from a stream that arrives in pieces of any size. */
export class PieceReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #tooShort: () => Error;
  #rest: Buffer = Buffer.alloc(0);

  /** `tooShort` is thrown when the stream ends inside what is to be taken. */
  constructor(content: AsyncIterable<Uint8Array>, tooShort: () => Error) {
    this.#pieces = content[Symbol.asyncIterator]();
    this.#tooShort = tooShort;
  }

  async take(byteCount: number): Promise<Buffer> {
    if (this.#rest.length < byteCount) {
      const pieces = [this.#rest];
      let have = this.#rest.length;
      while (have < byteCount) {
        const next = await this.#pieces.next();
        if (next.done === true) throw this.#tooShort();
        pieces.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
        have += next.value.length;
      }
      this.#rest = Buffer.concat(pieces);
    }
    const taken = this.#rest.subarray(0, byteCount);
    this.#rest = this.#rest.subarray(byteCount);
    return taken;
  }

  /** Whether nothing comes any more. */
  async atEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return true;
      this.#rest = Buffer.from(next.value);
    }
    return false;
  }
}
