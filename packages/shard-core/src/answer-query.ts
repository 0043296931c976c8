/** Answers the queries of one slot from its machine. Every item gets an answer or a failure of its own; one never disturbs another. */
import { EngineClosedError, EngineOverloadedError } from '@shoal/index';
import { ShoalError, decodeOutcomes, type AwaitAppliedAnswer, type AwaitAppliedItem, type FetchAnswer, type FetchItem, type ItemFailure, type PartitionStatsAnswer, type PartitionStatsItem, type QueryRequest, type QueryResponse } from '@shoal/protocol';
import { searchInTurn } from './search-in-turn.ts';
import type { SlotMachine } from './slot-machine.ts';

export async function answerQuery(machine: SlotMachine, request: QueryRequest): Promise<QueryResponse> {
  switch (request.type) {
    case 'search':
      return { type: 'search', items: await each(request.items, (item) => searchInTurn(machine, item)) };
    case 'fetch':
      return { type: 'fetch', items: await each(request.items, (item) => fetchVector(machine, item)) };
    case 'await-applied':
      return { type: 'await-applied', items: await each(request.items, (item) => awaitApplied(machine, item)) };
    case 'partition-stats':
      return { type: 'partition-stats', items: await each(request.items, (item) => partitionStats(machine, item)) };
    default:
      return request satisfies never;
  }
}

function each<Item, Answer>(items: readonly Item[], answer: (item: Item) => Promise<Answer>): Promise<(Answer | ItemFailure)[]> {
  return Promise.all(items.map((item) => answer(item).catch(failureOf)));
}

function failureOf(error: unknown): ItemFailure {
  if (error instanceof ShoalError) return { ok: false, error: error.code, message: error.message };
  if (error instanceof EngineOverloadedError) return { ok: false, error: 'overloaded', message: 'Too many searches wait on this shard. Try again shortly.' };
  if (error instanceof EngineClosedError) return { ok: false, error: 'slot_unavailable', message: 'The shard is closing. Try again.' };
  throw error;
}

async function fetchVector(machine: SlotMachine, item: FetchItem): Promise<FetchAnswer> {
  await machine.waitApplied(item.after, item.timeoutMs);
  const appliedSequence = machine.appliedSequence;
  const partition = machine.state.partition(item);
  if (partition?.state === 'dropped') throw droppedError();
  if (partition === undefined) return { ok: true, appliedSequence };
  const vector = await machine.store.read(partition.ref, item.key);
  if (vector === undefined) return { ok: true, appliedSequence };
  return { ok: true, appliedSequence, vector: vector.payload === undefined ? { values: vector.values } : { values: vector.values, payload: vector.payload } };
}

async function awaitApplied(machine: SlotMachine, item: AwaitAppliedItem): Promise<AwaitAppliedAnswer> {
  await machine.waitApplied(item.sequence, item.timeoutMs);
  const operation = machine.state.recent.at(item.sequence);
  const appliedSequence = machine.appliedSequence;
  return operation === undefined ? { ok: true, appliedSequence } : { ok: true, appliedSequence, outcomes: decodeOutcomes(operation.outcomes) };
}

async function partitionStats(machine: SlotMachine, item: PartitionStatsItem): Promise<PartitionStatsAnswer> {
  const partition = machine.state.partition(item);
  if (partition?.state === 'dropped') throw droppedError();
  const appliedSequence = machine.appliedSequence;
  if (partition === undefined) return { ok: true, appliedSequence, vectorCount: 0, deletedCount: 0, memoryBytes: 0, graph: false };
  const stats = partition.index.stats();
  return {
    ok: true,
    appliedSequence,
    vectorCount: partition.vectorCount,
    deletedCount: stats.deletedCount,
    memoryBytes: stats.memoryBytes + partition.keys.memoryBytes,
    graph: stats.graph,
  };
}

function droppedError(): ShoalError {
  return new ShoalError('embedding_dropped', 'The embedding was dropped. Register it again to start an empty one.');
}
