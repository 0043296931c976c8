import type { ItemFailure, SearchAnswer, SearchItem } from '@shoal/protocol';
import { failureOf } from './item-failure.ts';
import { PACE } from './limits.ts';
import type { ActivePartition } from './partition-state.ts';
import { partitionNow } from './read-partition.ts';
import { searchInTurn } from './search-in-turn.ts';
import { keysOf, searchPartition } from './search-partition.ts';
import type { SearchProbe, SearchWatch } from './search-probe.ts';
import type { SlotMachine } from './slot-machine.ts';

type SearchResult = SearchAnswer | ItemFailure;

interface PlacedSearch {
  readonly item: SearchItem;
  readonly probe: SearchProbe | undefined;
  /** Of its answer in the message. */
  readonly place: number;
}

/** Searches that ask the same of one partition, as the first of them does; at most PACE.searchesTogether. */
interface Company {
  readonly partition: ActivePartition;
  readonly first: SearchItem;
  readonly searches: PlacedSearch[];
}

type Settle = (search: PlacedSearch, answer: SearchResult) => void;

/**
 * Answers the searches of one message, each as if it had come alone. Those that need nothing but the index, and ask the same of it, take their tenant's
 * turn and go into the index together: they cost a few promises for all instead of several for each. All others go by themselves.
 */
export async function searchMessage(machine: SlotMachine, items: readonly SearchItem[], watch: SearchWatch | undefined): Promise<SearchResult[]> {
  const answers = new Array<SearchResult>(items.length);
  const companies: Company[] = [];
  const alone: PlacedSearch[] = [];
  for (const [place, item] of items.entries()) (companyOf(machine, companies, item)?.searches ?? alone).push({ item, probe: watch?.begun(item), place });
  const settle: Settle = ({ item, place }, answer) => {
    answers[place] = answer;
    watch?.answered(item, answer);
  };
  await Promise.all([
    ...companies.map((company) => searchTogether(machine, company, settle)),
    ...alone.map(async (search) => settle(search, await searchInTurn(machine, search.item, search.probe).catch(failureOf))),
  ]);
  return answers;
}

/** The searches that one may join; undefined where it has to go alone. */
function companyOf(machine: SlotMachine, companies: Company[], item: SearchItem): Company | undefined {
  if (item.filter !== undefined || item.includeValues || item.includePayload || item.path === 'flat' || item.after > machine.appliedSequence) return undefined;
  const partition = machine.state.partition(item);
  if (partition?.state !== 'active' || partition.vectors !== undefined || partition.spec.dim !== item.vector.length) return undefined;
  const known = companies.find((company) => company.partition === partition && company.searches.length < PACE.searchesTogether && asksTheSame(company.first, item));
  if (known !== undefined) return known;
  const company = { partition, first: item, searches: [] };
  companies.push(company);
  return company;
}

function asksTheSame(one: SearchItem, other: SearchItem): boolean {
  return one.k === other.k && one.ef === other.ef && one.path === other.path && one.rerank === other.rerank;
}

/** Answers every search of the company, or fails it; rejects only with what no search may fail by. */
async function searchTogether(machine: SlotMachine, company: Company, settle: Settle): Promise<void> {
  const { partition: { spec: { tenant } }, first, searches } = company;
  const { searchGate } = machine;
  try {
    const turn = searchGate?.enter(tenant, searches.length, undefined, searches.length);
    if (turn !== undefined) await turn;
    try {
      // While they waited the partition may have been dropped.
      if (partitionNow(machine, first) === company.partition) await searchNow(machine, company, settle);
      else await Promise.all(searches.map(async (search) => settle(search, await searchPartition(machine, search.item, search.probe).catch(failureOf))));
    } finally {
      searchGate?.leave(tenant, searches.length);
    }
  } catch (error) {
    const failure = failureOf(error);
    for (const search of searches) settle(search, failure);
  }
}

async function searchNow(machine: SlotMachine, { partition, first: { k, ef, path, rerank }, searches }: Company, settle: Settle): Promise<void> {
  const { appliedSequence } = machine;
  const { index, operationCount, spec: { dim } } = partition;
  const queries = new Float32Array(searches.length * dim);
  for (const [at, { item }] of searches.entries()) queries.set(item.vector, at * dim);
  const engineAnswered = searches.map(({ probe }) => probe?.engineAsked());
  const allFound = await index.searchMany(queries, { k, ef: Math.max(ef, k), path, ...(rerank === 0 ? {} : { rerank }) });
  // Keys are read before anything else can run, while none of these ids can have been given to another vector.
  for (const [at, found] of allFound.entries()) {
    const search = searches[at] as PlacedSearch;
    const hits = keysOf(partition, found, search.item.maxDistance ?? Infinity);
    engineAnswered[at]?.({ partition, item: search.item, filter: undefined, found, operationCount });
    settle(search, { ok: true, appliedSequence, path: found.path, distanceComputations: found.distanceComputations, hits });
  }
}
