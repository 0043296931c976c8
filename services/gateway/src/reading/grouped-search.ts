/**
 * Searches whose hits come in groups of equal values of a field.
 *
 * Rounds of ordinary searches find the nearest groups: each leaves out the groups that are known, so that a large group hides no other. Then one
 * search for each group that may lack members fills it.
 */
import { fieldValues, payloadToJson, type DeclaredField, type FieldScalar, type Filter, type GroupBy, type SearchHit, type SearchRequestBody } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { SearchCaller } from './search-lane.ts';
import type { SearchOutcome, SearchPath } from './search-path.ts';

export interface HitsOfGroup {
  readonly value: FieldScalar;
  readonly hits: readonly SearchHit[];
}

export interface GroupedOutcome extends Omit<SearchOutcome, 'hits'> {
  /** Nearest group first. */
  readonly groups: readonly HitsOfGroup[];
}

/** Hits of one round, per group wanted and member: more find more groups at once, fewer cost less. */
const HITS_PER_MEMBER = 4;
const HITS_MAXIMUM = 1_000;

type FoundGroups = Map<FieldScalar, SearchHit[]>;

const all = (...must: readonly (Filter | undefined)[]): Filter => ({ type: 'combined', must: must.filter((one) => one !== undefined), should: [], mustNot: [] });

export async function searchGroups(searchPath: SearchPath, record: EmbeddingRecord, request: SearchRequestBody & { readonly groupBy: GroupBy }, caller: SearchCaller): Promise<GroupedOutcome> {
  const { groupBy, k } = request;
  const field = record.spec.fields.find(({ name }) => name === groupBy.field);
  const outcomes: SearchOutcome[] = [];
  const search = async (filter: Filter, hitCount: number): Promise<readonly SearchHit[]> => {
    const outcome = await searchPath.search(record, { ...request, k: hitCount, ef: Math.max(request.ef, hitCount), includePayload: true, filter }, caller);
    outcomes.push(outcome);
    return outcome.hits[0] ?? [];
  };
  const found: FoundGroups = new Map();
  const perRound = Math.min(HITS_MAXIMUM, k * groupBy.size * HITS_PER_MEMBER);
  let sawAll = false;
  for (let round = 0; round < GATEWAY_LIMITS.groupRounds && found.size < k && !sawAll; round += 1) {
    const hits = await search(exceptGroups(request.filter, groupBy, [...found.keys()]), perRound);
    addHits(found, hits, field);
    sawAll = hits.length < perRound;
  }
  const nearest = [...found].slice(0, k);
  const groups = await Promise.all(nearest.map(async ([value, hits]): Promise<HitsOfGroup> => {
    if (hits.length >= groupBy.size || (sawAll && outcomes.length === 1)) return { value, hits: hits.slice(0, groupBy.size) };
    return { value, hits: await search(all(request.filter, { type: 'any_of', field: groupBy.field, values: [value] }), groupBy.size) };
  }));
  return { groups: groups.map((group) => withoutPayloads(group, request)), ...summed(outcomes) };
}

/** Vectors that have the field and belong to none of the groups. */
function exceptGroups(filter: Filter | undefined, { field }: GroupBy, known: readonly FieldScalar[]): Filter {
  const exists: Filter = { type: 'exists', field, exists: true };
  if (known.length === 0) return all(filter, exists);
  return { type: 'combined', must: [...(filter === undefined ? [] : [filter]), exists], should: [], mustNot: [{ type: 'any_of', field, values: known }] };
}

/** Groups in the order of their nearest hits, for later rounds find groups that are farther away. */
function addHits(found: FoundGroups, hits: readonly SearchHit[], field: DeclaredField | undefined): void {
  for (const hit of hits) {
    const [value] = field === undefined || hit.payload === undefined ? [] : fieldValues(payloadToJson(hit.payload), field);
    if (value === undefined) continue;
    const members = found.get(value);
    if (members === undefined) found.set(value, [hit]);
    else members.push(hit);
  }
}

function withoutPayloads({ value, hits }: HitsOfGroup, { includePayload }: SearchRequestBody): HitsOfGroup {
  return includePayload ? { value, hits } : { value, hits: hits.map(({ payload: _payload, ...hit }) => hit) };
}

function summed(outcomes: readonly SearchOutcome[]): Omit<SearchOutcome, 'hits'> {
  const [first] = outcomes;
  return {
    missingPartitions: [...new Set(outcomes.flatMap(({ missingPartitions }) => missingPartitions))],
    path: first?.path ?? 'flat',
    distanceComputations: outcomes.reduce((sum, outcome) => sum + outcome.distanceComputations, 0),
  };
}
