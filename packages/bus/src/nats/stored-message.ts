import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { plainBytes } from '../plain-bytes.ts';

/** A message as it lies in a stream. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly timeMs: number;
  readonly data: Uint8Array;
  /** Parsed when asked for: most readers do not. */
  readonly headers: () => MsgHdrs | undefined;
  /** Messages of the filter that the consumer has still to deliver after this one. */
  readonly pendingCount: number;
}

export interface Delivery {
  readonly stored: StoredMessage;
  /** Counts the deliveries of the consumer, from 1, without gaps. */
  readonly consumerSequence: number;
}

/**
 * A delivery says what it is in its reply subject (NATS ADR-15):
 *
 *   "$JS.ACK." [domain "." account "."] stream "." consumer "." deliveries "." stream-sequence "." consumer-sequence "."
 *   time-in-ns "." pending ["." token]
 *
 * Undefined for a message that is no delivery.
 */
export function parseDelivery(message: Msg): Delivery | undefined {
  const tokens = (message.reply ?? '').split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
  const first = tokens.length === 9 ? 2 : 4;
  const [sequence, consumerSequence, time = '', pendingCount] = tokens.slice(first + 3, first + 7);
  return {
    consumerSequence: Number(consumerSequence),
    stored: {
      subject: message.subject,
      sequence: Number(sequence),
      // Nanoseconds do not fit a number; six digits fewer are milliseconds.
      timeMs: Number(time.slice(0, -6)),
      data: plainBytes(message.data),
      headers: () => message.headers,
      pendingCount: Number(pendingCount),
    },
  };
}
