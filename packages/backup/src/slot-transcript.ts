import { SlotBackupDecoder, SlotBackupEncoder, codeOfSubject, type EmbeddingCode, type SlotBackupHeader } from '@shoal/protocol';
import { filterSnapshot } from '@shoal/store';

const NOTHING = new Uint8Array(0);

/**
 * A slot as a gateway streams it, checked on its way into a backup, with the rows and messages of some embeddings only where a backup is not of
 * the whole cluster.
 */
export class SlotTranscript {
  readonly #decoder: SlotBackupDecoder;
  readonly #isWanted: ((code: EmbeddingCode) => boolean) | undefined;
  #header: SlotBackupHeader | undefined;

  constructor(content: AsyncIterable<Uint8Array>, isWanted: ((code: EmbeddingCode) => boolean) | undefined) {
    this.#decoder = new SlotBackupDecoder(content);
    this.#isWanted = isWanted;
  }

  /** Known from the first piece on. */
  get header(): SlotBackupHeader | undefined {
    return this.#header;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const header = await this.#decoder.header();
    this.#header = header;
    const encoder = new SlotBackupEncoder();
    yield encoder.header(header);
    const isWanted = this.#isWanted;
    const base = this.#decoder.base();
    const kept = isWanted === undefined || header.base === 0 ? base : filterSnapshot(base, isWanted);
    for await (const piece of kept) yield encoder.base(piece);
    for await (const message of this.#decoder.messages()) {
      const code = codeOfSubject(message.subject);
      if (isWanted === undefined || (code !== undefined && isWanted(code as EmbeddingCode))) yield encoder.message(message);
      // The last message of the base says what time it is of, whosever it is.
      else if (message.sequence === header.base) yield encoder.message({ ...message, bytes: NOTHING });
    }
    yield encoder.end();
  }
}
