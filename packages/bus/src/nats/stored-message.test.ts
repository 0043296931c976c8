import type { Msg } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { parseDelivery } from './stored-message.ts';

const delivered = (reply: string | undefined): Msg => ({ subject: 'shoal.mut.3.7.0', reply, data: new Uint8Array([1]) }) as Msg;

describe('a delivery', () => {
  const stored = { subject: 'shoal.mut.3.7.0', sequence: 20_241, timeMs: 1_795_415_937_193, data: new Uint8Array([1]), headers: expect.any(Function), pendingCount: 4 };

  it('is read in the form without and with domain and account', () => {
    expect(parseDelivery(delivered('$JS.ACK.S.c.1.20241.9.1795415937193879970.4'))).toEqual({ consumerSequence: 9, stored });
    expect(parseDelivery(delivered('$JS.ACK._.acc.S.c.1.20241.9.1795415937193879970.4'))).toEqual({ consumerSequence: 9, stored });
    expect(parseDelivery(delivered('$JS.ACK.hub.acc.S.c.1.20241.9.1795415937193879970.4.token'))).toEqual({ consumerSequence: 9, stored });
  });

  it('is told from other messages', () => {
    for (const reply of [undefined, '', '_INBOX.x', '$JS.ACK.S.c', '$JS.FC.S.c.1.2.3.4.5']) expect(parseDelivery(delivered(reply))).toBeUndefined();
  });
});
