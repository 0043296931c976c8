/** Answers the queries of one slot from its machine. Every item gets an answer or a failure of its own; one never disturbs another. */
import { decodeMessageOutcomes, type AwaitAppliedAnswer, type AwaitAppliedItem, type FetchAnswer, type FetchItem, type ItemFailure, type PartitionStatsAnswer, type PartitionStatsItem, type QueryRequest, type QueryResponse } from '@shoal/protocol';
import { failureOf } from './item-failure.ts';
import { partitionAfter, partitionNow } from './read-partition.ts';
import { countPartition, scrollPartition } from './scroll-partition.ts';
import { searchMessage } from './search-message.ts';
import type { SearchWatch } from './search-probe.ts';
import type { SlotMachine } from './slot-machine.ts';

export async function answerQuery(machine: SlotMachine, request: QueryRequest, watch?: SearchWatch): Promise<QueryResponse> {
  switch (request.type) {
    case 'search':
      return { type: 'search', items: await searchMessage(machine, request.items, watch) };
    case 'fetch':
      return { type: 'fetch', items: await each(request.items, (item) => fetchVector(machine, item)) };
    case 'await-applied':
      return { type: 'await-applied', items: await each(request.items, (item) => awaitApplied(machine, item)) };
    case 'partition-stats':
      return { type: 'partition-stats', items: await each(request.items, (item) => partitionStats(machine, item)) };
    case 'count':
      return { type: 'count', items: await each(request.items, (item) => countPartition(machine, item)) };
    case 'scroll':
      return { type: 'scroll', items: await each(request.items, (item) => scrollPartition(machine, item)) };
  }
}

function each<Item, Answer>(items: readonly Item[], answer: (item: Item) => Promise<Answer>): Promise<(Answer | ItemFailure)[]> {
  return Promise.all(items.map((item) => answer(item).catch(failureOf)));
}

async function fetchVector(machine: SlotMachine, item: FetchItem): Promise<FetchAnswer> {
  const partition = await partitionAfter(machine, item);
  const appliedSequence = machine.appliedSequence;
  if (partition === undefined) return { ok: true, appliedSequence };
  const vector = await machine.store.read(partition.ref, item.key);
  if (vector === undefined) return { ok: true, appliedSequence };
  const { values, payload, sequence } = vector;
  return { ok: true, appliedSequence, vector: { values, ...(payload === undefined ? {} : { payload }), ...(item.includeSequence ? { sequence } : {}) } };
}

async function awaitApplied(machine: SlotMachine, item: AwaitAppliedItem): Promise<AwaitAppliedAnswer> {
  await machine.waitApplied(item.sequence, item.timeoutMs);
  const operation = machine.state.recent.at(item.sequence);
  const appliedSequence = machine.appliedSequence;
  if (operation === undefined || operation.outcomes.length === 0) return { ok: true, appliedSequence };
  const decoded = decodeMessageOutcomes(operation.outcomes);
  return decoded.type === 'items' ? { ok: true, appliedSequence, outcomes: decoded.outcomes } : { ok: true, appliedSequence, deleted: decoded.deleted };
}

async function partitionStats(machine: SlotMachine, item: PartitionStatsItem): Promise<PartitionStatsAnswer> {
  const partition = partitionNow(machine, item);
  const appliedSequence = machine.appliedSequence;
  if (partition === undefined) return { ok: true, appliedSequence, vectorCount: 0, deletedCount: 0, memoryBytes: 0, graph: false };
  const stats = partition.index.stats();
  return {
    ok: true,
    appliedSequence,
    vectorCount: partition.vectorCount,
    deletedCount: stats.deletedCount,
    memoryBytes: stats.memoryBytes + partition.keys.memoryBytes + partition.payloads.memoryBytes,
    graph: stats.graph,
  };
}
