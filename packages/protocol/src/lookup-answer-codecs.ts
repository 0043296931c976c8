/** The answers to fetches, waits and statistics inside a query response; the grammar stands in query-response-codec.ts. */
import assert from 'node:assert';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Sequence } from './ids.ts';
import { LIMITS } from './limits.ts';
import { DELETED_OUTCOME_BYTES, readDeletedOutcome, readOutcomes, writeDeletedOutcome, writeOutcomes } from './outcome-codec.ts';
import type { QueryVersion } from './query-item-codec.ts';
import type { AwaitAppliedAnswer, FetchAnswer, PartitionStatsAnswer } from './query.ts';

// Sizes are without the status byte, which the response codec writes.
const FETCH_HEAD_BYTES = { 1: 1 + 2 + 8 + 4, 2: 1 + 2 + 8 + 4 + 8 } as const;
const AWAIT_HEAD_BYTES = 1 + 2 + 8 + 4;
const KNOWN_OUTCOMES = 1;
const KNOWN_DELETED = 2;
const STATS_BYTES = 1 + 2 + 8 + 8 + 8 + 8;

function readFlag(body: ByteReader, field: string): boolean {
  const value = body.u8(field);
  if (value > 1) throw body.error(`${field} ${value} cannot be`, field);
  return value === 1;
}

export function fetchAnswerBytes({ vector }: FetchAnswer, version: QueryVersion): number {
  return FETCH_HEAD_BYTES[version] + (vector?.values.byteLength ?? 0) + (vector?.payload?.byteLength ?? 0);
}

export function writeFetchAnswer(writer: ByteWriter, { vector, appliedSequence }: FetchAnswer, version: QueryVersion): void {
  assert(vector?.values.length !== 0 && vector?.payload?.byteLength !== 0, 'a vector has components, and its payload is absent rather than empty');
  writer.u8(vector === undefined ? 0 : 1);
  writer.u16(vector?.values.length ?? 0);
  writer.u64(appliedSequence);
  writer.u32(vector?.payload?.byteLength ?? 0);
  if (version === 2) writer.u64(vector?.sequence ?? 0);
  if (vector === undefined) return;
  writer.vector(vector.values);
  if (vector.payload !== undefined) writer.raw(vector.payload);
}

export function readFetchAnswer(body: ByteReader, version: QueryVersion): FetchAnswer {
  const found = readFlag(body, 'found');
  const dim = body.u16('dim');
  const appliedSequence = body.u64('appliedSequence') as Sequence;
  const payloadBytes = body.u32('payloadBytes');
  const sequence = version === 1 ? 0 : body.u64('sequence');
  if (!found) {
    if (dim > 0 || payloadBytes > 0 || sequence > 0) throw body.error('a vector that was not found has contents', 'found');
    return { ok: true, appliedSequence };
  }
  if (dim === 0 || dim > LIMITS.dim) throw body.error(`dimension ${dim} cannot be`, 'dim');
  const values = body.vector(dim, 'values');
  const payload = payloadBytes === 0 ? {} : { payload: body.raw(payloadBytes, 'payload') };
  return { ok: true, appliedSequence, vector: { values, ...payload, ...(sequence === 0 ? {} : { sequence: sequence as Sequence }) } };
}

export function awaitAppliedAnswerBytes({ outcomes, deleted }: AwaitAppliedAnswer): number {
  return AWAIT_HEAD_BYTES + (outcomes?.length ?? 0) + (deleted === undefined ? 0 : DELETED_OUTCOME_BYTES);
}

export function writeAwaitAppliedAnswer(writer: ByteWriter, { appliedSequence, outcomes, deleted }: AwaitAppliedAnswer): void {
  assert(outcomes === undefined || deleted === undefined, 'a message had operations or a filter');
  writer.u8(deleted !== undefined ? KNOWN_DELETED : outcomes !== undefined ? KNOWN_OUTCOMES : 0);
  writer.u16(0);
  writer.u64(appliedSequence);
  writer.u32(outcomes?.length ?? 0);
  if (outcomes !== undefined) writeOutcomes(writer, outcomes);
  if (deleted !== undefined) writeDeletedOutcome(writer, deleted);
}

export function readAwaitAppliedAnswer(body: ByteReader, version: QueryVersion): AwaitAppliedAnswer {
  const known = body.u8('known');
  if (known > (version === 1 ? KNOWN_OUTCOMES : KNOWN_DELETED)) throw body.error(`known ${known} cannot be`, 'known');
  body.zeros(2, 'known');
  const appliedSequence = body.u64('appliedSequence') as Sequence;
  const count = body.u32('count');
  if (known === KNOWN_OUTCOMES) return { ok: true, appliedSequence, outcomes: readOutcomes(body, count) };
  if (count > 0) throw body.error('outcomes that are not known have a count', 'count');
  return known === KNOWN_DELETED ? { ok: true, appliedSequence, deleted: readDeletedOutcome(body) } : { ok: true, appliedSequence };
}

export function partitionStatsAnswerBytes(): number {
  return STATS_BYTES;
}

export function writePartitionStatsAnswer(writer: ByteWriter, answer: PartitionStatsAnswer): void {
  writer.u8(answer.graph ? 1 : 0);
  writer.u16(0);
  writer.u64(answer.appliedSequence);
  writer.u64(answer.vectorCount);
  writer.u64(answer.deletedCount);
  writer.u64(answer.memoryBytes);
}

export function readPartitionStatsAnswer(body: ByteReader): PartitionStatsAnswer {
  const graph = readFlag(body, 'graph');
  body.zeros(2, 'graph');
  const appliedSequence = body.u64('appliedSequence') as Sequence;
  const vectorCount = body.u64('vectorCount');
  const deletedCount = body.u64('deletedCount');
  const memoryBytes = body.u64('memoryBytes');
  return { ok: true, appliedSequence, vectorCount, deletedCount, memoryBytes, graph };
}
