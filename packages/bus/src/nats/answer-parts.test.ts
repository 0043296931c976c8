import { type Msg, type MsgHdrs, headers } from '@nats-io/transport-node';
import { ShoalError } from '@shoal/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerInProgress, HEAD_BYTES, repliesOf, replyOfError } from './answer-parts.ts';

const message = (data: Uint8Array, head?: MsgHdrs): Msg => ({ data, headers: head }) as Msg;

function part(text: string, data = new Uint8Array(1)): Msg {
  const head = headers();
  head.set('Shoal-Part', text);
  return message(data, head);
}

describe('parts of an answer', () => {
  it('make up the answer again, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: 1, max: 700 }), fc.infiniteStream(fc.nat()), (answer, partBytes, keys) => {
        const replies = repliesOf(answer, partBytes + HEAD_BYTES);
        for (const { payload } of replies) expect(payload.length).toBeLessThanOrEqual(partBytes);
        const shuffled = replies.map((reply) => ({ reply, key: keys.next().value ?? 0 })).sort((a, b) => a.key - b.key);
        const progress = new AnswerInProgress();
        const results = shuffled.map(({ reply }) => progress.take(message(reply.payload, reply.headers), 'subject'));
        expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
        expect(results.at(-1)).toEqual(answer);
      }),
    );
  });

  it('are refused when they do not fit each other', () => {
    for (const texts of [['0/2', '0/2'], ['0/2', '1/3'], ['2/2'], ['-1/2'], ['x/y'], ['0/0'], ['0.5/2'], ['0/1e12'], ['']]) {
      const progress = new AnswerInProgress();
      expect(() => texts.forEach((text) => progress.take(part(text), 'subject'))).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });

  it('carry errors with code, message, field and limit', () => {
    const errors = [new ShoalError('invalid_field', 'Zeile 1\r\nZeile 2 €', { field: 'k', limit: 3 }), new ShoalError('overloaded', '')];
    for (const error of errors) {
      const reply = replyOfError(error);
      const thrown = expect.objectContaining({ code: error.code, message: error.message, field: error.field, limit: error.limit });
      expect(() => new AnswerInProgress().take(message(reply.payload, reply.headers), 'subject')).toThrow(thrown);
    }
  });

  it('tell an error of a code they do not know as internal, and survive a broken one', () => {
    for (const payload of ['{"message":"m"}', 'not JSON', 'null', '{"message":7,"limit":"x"}']) {
      const head = headers();
      head.set('Shoal-Error', 'from_the_future');
      expect(() => new AnswerInProgress().take(message(new TextEncoder().encode(payload), head), 'subject')).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });

  it('tell the absence of a server, which is no empty answer', () => {
    const head = headers(503, 'No Responders');
    expect(() => new AnswerInProgress().take(message(new Uint8Array(0), head), 'shoal.q.1')).toThrow(expect.objectContaining({ code: 'slot_unavailable' }));
    expect(new AnswerInProgress().take(message(new Uint8Array(0)), 'shoal.q.1')).toHaveLength(0);
  });
});
