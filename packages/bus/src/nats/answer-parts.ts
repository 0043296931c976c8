/**
 * How an answer travels. Headers say what a reply is; a reply without them is a whole answer.
 *
 *   whole     no headers; payload: the answer
 *   part      Shoal-Part: index "/" count (decimal, index from 0); payload: that part of the answer
 *   error     Shoal-Error: code of the registry; payload: JSON {message, field?, limit?}
 */
import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { isErrorCode, ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from '../limits.ts';
import { plainBytes } from '../plain-bytes.ts';

export interface Reply {
  readonly payload: Uint8Array;
  readonly headers?: MsgHdrs;
}

const PART = 'Shoal-Part';
const ERROR = 'Shoal-Error';
const NO_RESPONDERS = 503;
/** Far more than an answer of `answerBytes` needs on any broker that `checkServer` lets pass. */
const MAX_PARTS = 4_096;
/** Room for headers in a message. */
export const HEAD_BYTES = 4096;

export function repliesOf(answer: Uint8Array, maxPayloadBytes: number): readonly Reply[] {
  const partBytes = maxPayloadBytes - HEAD_BYTES;
  if (answer.length <= partBytes) return [{ payload: answer }];
  const count = Math.ceil(answer.length / partBytes);
  return Array.from({ length: count }, (_, index) => {
    const head = headers();
    head.set(PART, `${index}/${count}`);
    return { payload: answer.subarray(index * partBytes, (index + 1) * partBytes), headers: head };
  });
}

export function replyOfError(error: ShoalError): Reply {
  const head = headers();
  head.set(ERROR, error.code);
  // Long messages are cut: an error must fit one message whatever it says.
  const detail = { message: error.message.slice(0, 10_000), field: error.field?.slice(0, 1_000), limit: error.limit };
  return { payload: new TextEncoder().encode(JSON.stringify(detail)), headers: head };
}

/** Puts the replies to one request together. */
export class AnswerInProgress {
  #parts: (Uint8Array | undefined)[] = [];
  #missing = 0;
  #bytes = 0;

  /** The whole answer once it is complete. Throws the error that the server sent, `slot_unavailable` when there is no server. */
  take(message: Msg, subject: string): Uint8Array | undefined {
    const head = message.headers;
    if (head === undefined) return plainBytes(message.data);
    if (head.code === NO_RESPONDERS) throw new ShoalError('slot_unavailable', `Nobody serves ${subject}.`);
    if (head.has(ERROR)) throw errorOf(head.get(ERROR), message.data);
    if (!head.has(PART)) return plainBytes(message.data);
    return this.#takePart(head.get(PART), message.data);
  }

  #takePart(part: string, bytes: Uint8Array): Uint8Array | undefined {
    const [index = -1, count = -1] = part.split('/').map(Number);
    if (this.#parts.length === 0 && Number.isInteger(count) && count > 0 && count <= MAX_PARTS) {
      this.#parts = new Array<Uint8Array | undefined>(count).fill(undefined);
      this.#missing = count;
    }
    // An index outside the parts, or none at all, finds nothing to be empty.
    const free = index in this.#parts && this.#parts[index] === undefined;
    if (!free || count !== this.#parts.length) throw new ShoalError('internal', 'The parts of an answer do not fit each other.');
    this.#parts[index] = bytes;
    this.#missing--;
    this.#bytes += bytes.length;
    if (this.#bytes > BUS_LIMITS.answerBytes) throw new ShoalError('internal', 'An answer is larger than any server may send.', { limit: BUS_LIMITS.answerBytes });
    return this.#missing === 0 ? this.#join() : undefined;
  }

  #join(): Uint8Array {
    const answer = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const part of this.#parts) {
      if (part === undefined) continue;
      answer.set(part, offset);
      offset += part.length;
    }
    return answer;
  }
}

function errorOf(code: string, payload: Uint8Array): ShoalError {
  const detail = parseDetail(payload);
  const extra = { ...(typeof detail.field === 'string' ? { field: detail.field } : {}), ...(typeof detail.limit === 'number' ? { limit: detail.limit } : {}) };
  return new ShoalError(isErrorCode(code) ? code : 'internal', typeof detail.message === 'string' ? detail.message : 'The server gave no reason.', extra);
}

function parseDetail(payload: Uint8Array): { message?: unknown; field?: unknown; limit?: unknown } {
  try {
    const detail: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof detail === 'object' && detail !== null ? detail : {};
  } catch {
    return {};
  }
}
