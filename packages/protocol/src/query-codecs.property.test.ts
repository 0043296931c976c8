import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { decodeQueryRequest, encodeQueryRequest } from './query-request-codec.ts';
import { decodeQueryResponse, encodeQueryResponse } from './query-response-codec.ts';
import type { QueryResponse } from './query.ts';
import { queryRequest, queryResponse } from './testing/arbitraries.ts';
import { misaligned, refusal, resealed, testDamageIsRefused } from './testing/damage.ts';
import { sampleRequests, sampleResponses } from './testing/samples.ts';

const HEADER_BYTES = 8;

describe('query requests', () => {
  const messages = Object.values(sampleRequests).map(encodeQueryRequest);

  test('decode to what was encoded, aligned or not', () => {
    fc.assert(
      fc.property(queryRequest, (request) => {
        const bytes = encodeQueryRequest(request);
        expect(decodeQueryRequest(bytes)).toEqual(request);
        expect(decodeQueryRequest(misaligned(bytes))).toEqual(request);
      }),
    );
  });

  test('have one encoding only', () => {
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.nat(), fc.nat(255), (message, at, value) => {
        const copy = resealed(message, (bytes) => (bytes[at % (bytes.byteLength - 4)] = value));
        if (refusal(decodeQueryRequest, copy) === 'accepted') expect(encodeQueryRequest(decodeQueryRequest(copy))).toEqual(copy);
      }),
      { numRuns: 3_000 },
    );
  });

  test('cost 32 bytes for a search beside its vector', () => {
    const item = { ...sampleRequests.search.items[0], vector: new Float32Array(128) };
    const one = encodeQueryRequest({ type: 'search', items: [item] }).byteLength;
    const two = encodeQueryRequest({ type: 'search', items: [item, item] }).byteLength;
    expect(two - one).toBe(32 + 128 * 4);
  });

  test('round a fraction of a millisecond up', () => {
    const [item] = sampleRequests['await-applied'].items;
    const bytes = encodeQueryRequest({ type: 'await-applied', items: [{ ...item, timeoutMs: 0.25 }] });
    expect(decodeQueryRequest(bytes).items[0]?.timeoutMs).toBe(1);
  });

  test('with bounds that the engine could not take are refused', () => {
    const search = encodeQueryRequest({ type: 'search', items: [sampleRequests.search.items[0]] });
    const refuse = (field: string, offset: number, value: number): void => {
      const copy = resealed(search, (bytes) => new DataView(bytes.buffer).setUint16(HEADER_BYTES + offset, value, true));
      expect(refusal(decodeQueryRequest, copy), `${field} ${value}`).toBe('corrupt_message');
    };
    refuse('partition', 20, LIMITS.partitions);
    refuse('k', 22, 0);
    refuse('k', 22, LIMITS.k + 1);
    refuse('ef', 24, 0);
    refuse('ef', 24, LIMITS.ef + 1);
    refuse('rerank', 26, LIMITS.rerank + 1);
    refuse('dim', 28, 0);
    refuse('dim', 28, LIMITS.dim + 1);
    refuse('path and flags', 30, 0x0100);
    refuse('path and flags', 30, 0x0401);
  });

  test('of a newer version are told from damaged ones', () => {
    for (const message of messages) expect(refusal(decodeQueryRequest, resealed(message, (bytes) => (bytes[4] = 3)))).toBe('unsupported_version');
  });

  testDamageIsRefused({ messages, decode: decodeQueryRequest, code: 'corrupt_message', resealedCodes: ['corrupt_message', 'unsupported_version'] });
});

describe('query responses', () => {
  const messages = Object.values(sampleResponses).map(encodeQueryResponse);

  test('decode to what was encoded, aligned or not', () => {
    fc.assert(
      fc.property(queryResponse, (response) => {
        const bytes = encodeQueryResponse(response);
        expect(decodeQueryResponse(bytes)).toEqual(response);
        expect(decodeQueryResponse(misaligned(bytes))).toEqual(response);
      }),
    );
  });

  test('cut a long failure text between characters', () => {
    const long: QueryResponse = { type: 'fetch', items: [{ ok: false, error: 'overloaded', message: `x${'é'.repeat(2_000)}` }] };
    const [item] = decodeQueryResponse(encodeQueryResponse(long)).items;
    expect(item).toEqual({ ok: false, error: 'overloaded', message: `x${'é'.repeat(511)}` });
  });

  test('read a failure code of a newer shard as internal, with the code in the text', () => {
    const known: QueryResponse = { type: 'fetch', items: [{ ok: false, error: 'overloaded', message: 'why' }] };
    const newer = resealed(encodeQueryResponse(known), (bytes) => (bytes[HEADER_BYTES + 4] = 'O'.charCodeAt(0)));
    expect(decodeQueryResponse(newer).items[0]).toEqual({ ok: false, error: 'internal', message: 'Overloaded: why' });
  });

  test('of a newer version are told from damaged ones', () => {
    for (const message of messages) expect(refusal(decodeQueryResponse, resealed(message, (bytes) => (bytes[4] = 3)))).toBe('unsupported_version');
  });

  testDamageIsRefused({ messages, decode: decodeQueryResponse, code: 'corrupt_message', resealedCodes: ['corrupt_message', 'unsupported_version'] });
});
