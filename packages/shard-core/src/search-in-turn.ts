import type { SearchAnswer, SearchItem } from '@shoal/protocol';
import type { ActivePartition } from './partition-state.ts';
import { filterOf } from './read-partition.ts';
import { searchPartition } from './search-partition.ts';
import type { SearchProbe } from './search-probe.ts';
import type { SlotMachine } from './slot-machine.ts';

/** Vectors whose scan costs a tenant as much as a search of a graph. */
const SCAN_VECTORS_PER_TURN = 4_096;

/** What a search takes of its tenant's turns. */
function turnsOf({ path }: SearchItem, { vectorCount }: ActivePartition): number {
  return path === 'flat' ? 1 + Math.floor(vectorCount / SCAN_VECTORS_PER_TURN) : 1;
}

/**
 * A search that waits for its tenant's turn where the shard has more searches than its threads can take. Waiting for a receipt, or for
 * a field that is being indexed, happens before that, so that it takes nobody's place.
 */
export async function searchInTurn(machine: SlotMachine, item: SearchItem, probe?: SearchProbe): Promise<SearchAnswer> {
  const gate = machine.searchGate;
  if (gate === undefined) return searchPartition(machine, item, probe);
  if (item.after > machine.appliedSequence) await machine.waitApplied(item.after, item.timeoutMs);
  const partition = machine.state.partition(item);
  if (partition === undefined || partition.state === 'dropped') return searchPartition(machine, item, probe);
  if (item.filter !== undefined) await filterOf(machine, partition, item);
  const { tenant } = partition.spec;
  // Most enter at once, without a promise.
  const turn = gate.enter(tenant, turnsOf(item, partition));
  if (turn !== undefined) await turn;
  try {
    return await searchPartition(machine, item, probe);
  } finally {
    gate.leave(tenant);
  }
}
