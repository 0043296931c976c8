import { ROUTES, parseSearchRequest, payloadToJson, type Hit, type SearchHit, type SearchResponse } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';
import { jsonBodyOf } from '../http/request-body.ts';
import { refuseQuery } from './query-string.ts';
import { embeddingOf, type RouteContext } from './route-context.ts';

function hitToJson({ key, distance, values, payload }: SearchHit): Hit {
  return {
    key,
    distance,
    ...(values === undefined ? {} : { values: Array.from(values) }),
    ...(payload === undefined ? {} : { payload: payloadToJson(payload) }),
  };
}

/** Searches. */
export function addSearchRoutes(app: FastifyInstance, { bus, catalogue, clock, searchPath }: RouteContext): void {
  app.route({
    ...ROUTES.search,
    handler: async (request): Promise<SearchResponse> => {
      const startedAtMs = clock.nowMs();
      refuseQuery(request);
      const record = await embeddingOf(request, catalogue);
      const search = parseSearchRequest(jsonBodyOf(request), record.spec, bus.log.slots);
      const { hits, missingPartitions, path, distanceComputations } = await searchPath.search(record, search);
      request.cost.distances += distanceComputations;
      const lists = hits.map((list) => list.map(hitToJson));
      return {
        results: search.query.type === 'vectors' ? lists : (lists[0] ?? []),
        ...(missingPartitions.length === 0 ? {} : { partial: true, missingPartitions }),
        path,
        distanceComputations,
        tookMs: Math.max(0, clock.nowMs() - startedAtMs),
      };
    },
  });
}
