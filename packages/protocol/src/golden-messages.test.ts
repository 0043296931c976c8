/** The bytes of one message of every kind, frozen: a release that changes them cannot read what another wrote. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeMetricsReport, encodeMetricsReport } from './metrics-report-codec.ts';
import { decodeMutation, encodeMutation } from './mutation-codec.ts';
import { decodeMessageOutcomes, decodeOutcomes, encodeDeletedOutcome, encodeOutcomes } from './outcome-codec.ts';
import { decodeControllerLease, decodeMemberLease, decodePlacementMap, encodeControllerLease, encodeMemberLease, encodePlacementMap } from './placement-codec.ts';
import { decodeQueryRequest, encodeQueryRequest } from './query-request-codec.ts';
import { decodeQueryResponse, encodeQueryResponse } from './query-response-codec.ts';
import { decodeShardStatus, encodeShardStatus } from './shard-status-codec.ts';
import { sampleController, sampleDeleted, sampleMap, sampleMember, sampleMutations, sampleOutcomes, sampleReport, sampleRequests, sampleResponses, sampleStatus, sampleVectors, sampleVerifyOrder } from './testing/samples.ts';
import { decodeVectorBody, encodeVectorBody } from './vector-body.ts';
import { decodeVerifyOrder, encodeVerifyOrder } from './verify-order.ts';

interface Golden {
  readonly value: unknown;
  readonly bytes: Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

const golden: Record<string, Golden> = {
  outcomes: { value: sampleOutcomes, bytes: encodeOutcomes(sampleOutcomes), decode: decodeOutcomes },
  'outcomes-deleted': { value: sampleDeleted, bytes: encodeDeletedOutcome(sampleDeleted.deleted), decode: decodeMessageOutcomes },
  'placement-map': { value: sampleMap, bytes: encodePlacementMap(sampleMap), decode: decodePlacementMap },
  'member-lease': { value: sampleMember, bytes: encodeMemberLease(sampleMember), decode: decodeMemberLease },
  'controller-lease': { value: sampleController, bytes: encodeControllerLease(sampleController), decode: decodeControllerLease },
  'metrics-report': { value: sampleReport, bytes: encodeMetricsReport(sampleReport), decode: decodeMetricsReport },
  'shard-status': { value: sampleStatus, bytes: encodeShardStatus(sampleStatus), decode: decodeShardStatus },
  'verify-order': { value: sampleVerifyOrder, bytes: encodeVerifyOrder(sampleVerifyOrder), decode: decodeVerifyOrder },
  'vector-body': { value: sampleVectors, bytes: encodeVectorBody(sampleVectors, 3), decode: (bytes) => decodeVectorBody(bytes, 3, 'cosine') },
};
for (const [type, value] of Object.entries(sampleMutations)) golden[`mutation-${type}`] = { value, bytes: encodeMutation(value), decode: decodeMutation };
for (const [type, value] of Object.entries(sampleRequests)) {
  golden[`query-request-${type}`] = { value, bytes: encodeQueryRequest(value), decode: decodeQueryRequest };
}
for (const [type, value] of Object.entries(sampleResponses)) {
  golden[`query-response-${type}`] = { value, bytes: encodeQueryResponse(value), decode: decodeQueryResponse };
}

const fixtures = new URL('./fixtures/', import.meta.url);

/** Hexadecimal digits, broken into lines. */
function fixture(name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(readFileSync(new URL(`${name}.hex`, fixtures), 'utf8').replace(/\s/g, ''), 'hex'));
}

describe('frozen bytes', () => {
  test.each(Object.entries(golden))('%s', (name, { value, bytes, decode }) => {
    const frozen = fixture(name);
    expect(Buffer.from(bytes).toString('hex')).toBe(Buffer.from(frozen).toString('hex'));
    expect(decode(frozen)).toEqual(value);
  });

  test('every fixture belongs to a message', () => {
    const names = readdirSync(fixtures).map((file) => file.replace(/\.hex$/, ''));
    expect(names.sort()).toEqual(Object.keys(golden).sort());
  });
});
