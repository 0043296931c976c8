import { ROUTES, parseSearchRequest, payloadToJson, type Hit, type SearchHit, type SearchResponse } from '@shoal/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { jsonBodyOf } from '../http/request-body.ts';
import type { SearchCaller } from '../reading/search-lane.ts';
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

/** For whom a search is; its signal says when the connection is gone. */
function callerOf(request: FastifyRequest, reply: FastifyReply): SearchCaller {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return { tenant: request.tenant, signal: gone.signal };
}

/** Searches. */
export function addSearchRoutes(app: FastifyInstance, { bus, catalogue, clock, searchPath }: RouteContext): void {
  app.route({
    ...ROUTES.search,
    handler: async (request, reply): Promise<SearchResponse> => {
      const startedAtMs = clock.nowMs();
      refuseQuery(request);
      const record = await embeddingOf(request, catalogue);
      const search = parseSearchRequest(jsonBodyOf(request), record.spec, bus.log.slots);
      const { hits, missingPartitions, path, distanceComputations } = await searchPath.search(record, search, callerOf(request, reply));
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
