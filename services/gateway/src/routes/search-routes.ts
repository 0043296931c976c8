import { ROUTES, parseSearchRequest, payloadToJson, type Hit, type SearchHit, type SearchResponse } from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { componentsToJson } from '../http/components-json.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { searchGroups } from '../reading/grouped-search.ts';
import type { SearchCaller } from '../reading/search-lane.ts';
import type { SearchOutcome } from '../reading/search-path.ts';
import { refuseQuery } from './query-string.ts';
import { withFields, type RouteContext } from './route-context.ts';

function hitToJson({ key, distance, values, payload }: SearchHit): Hit {
  return {
    key,
    distance,
    ...(values === undefined ? {} : { values: componentsToJson(values) }),
    ...(payload === undefined ? {} : { payload: payloadToJson(payload) }),
  };
}

/** For whom a search is, and whether the connection still stands. */
function callerOf({ tenant, raw: { socket }, span }: FastifyRequest): SearchCaller {
  return { tenant, isGone: () => socket.destroyed, ...(span === undefined ? {} : { span }) };
}

/** What an answer says beside its neighbours. */
function headOf({ missingPartitions, path, distanceComputations }: Omit<SearchOutcome, 'hits'>, tookMs: number): Omit<SearchResponse, 'results'> {
  return {
    ...(missingPartitions.length === 0 ? {} : { partial: true, missingPartitions }),
    path,
    distanceComputations,
    tookMs: Math.max(0, tookMs),
  };
}

/** Searches. */
export function addSearchRoutes(app: FastifyInstance, { bus, catalogue, clock, searchPath }: RouteContext): void {
  app.route({
    ...ROUTES.search,
    handler: async (request): Promise<SearchResponse> => {
      const startedAtMs = clock.nowMs();
      refuseQuery(request);
      const { record, used: search } = await withFields(request, catalogue, ({ spec }) => parseSearchRequest(jsonBodyOf(request), spec, bus.log.slots));
      const caller = callerOf(request);
      request.measured = { code: record.spec.code, count: search.query.type === 'vectors' ? search.query.vectors.length : 1 };
      const { groupBy } = search;
      if (groupBy !== undefined) {
        const { groups, ...outcome } = await searchGroups(searchPath, record, { ...search, groupBy }, caller);
        request.cost.distances += outcome.distanceComputations;
        const grouped = groups.map(({ value, hits }) => ({ value, hits: hits.map(hitToJson) }));
        return { results: grouped.flatMap(({ hits }) => hits), groups: grouped, ...headOf(outcome, clock.nowMs() - startedAtMs) };
      }
      const { hits, ...outcome } = await searchPath.search(record, search, caller);
      request.cost.distances += outcome.distanceComputations;
      const lists = hits.map((list) => list.map(hitToJson));
      return { results: search.query.type === 'vectors' ? lists : (lists[0] ?? []), ...headOf(outcome, clock.nowMs() - startedAtMs) };
    },
  });
}
