import { ROUTES, parseCountRequest, parseDeclareRequest, parseScrollRequest, payloadToJson, type CountResponse, type EmbeddingDescription, type ScrolledVector, type ScrollResponse } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';
import { componentsToJson } from '../http/components-json.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { tenantScope } from '../tenancy/audit-log.ts';
import { describe } from './embedding-routes.ts';
import { refuseQuery } from './query-string.ts';
import { embeddingOf, withFields, type RouteContext } from './route-context.ts';

function scrolledToJson({ key, sequence, values, payload }: ScrolledVector): ScrollResponse['vectors'][number] {
  return {
    key,
    sequence,
    ...(values === undefined ? {} : { values: componentsToJson(values) }),
    ...(payload === undefined ? {} : { payload: payloadToJson(payload) }),
  };
}

/** Declares fields, and reads vectors page by page and by number. */
export function addPayloadRoutes(app: FastifyInstance, { bus, catalogue, scrollPath, tenancy }: RouteContext): void {
  app.route({
    ...ROUTES.declareFields,
    handler: async (request): Promise<EmbeddingDescription> => {
      refuseQuery(request);
      const known = await embeddingOf(request, catalogue);
      const record = await catalogue.declareFields(known, parseDeclareRequest(jsonBodyOf(request)));
      await tenancy.audit.note(tenantScope(request.tenant), { act: 'embedding.declare', subject: record.spec.name, by: request.caller.keyId, requestId: request.id });
      return describe(record);
    },
  });

  app.route({
    ...ROUTES.countVectors,
    handler: async (request): Promise<CountResponse> => {
      refuseQuery(request);
      const { record, used } = await withFields(request, catalogue, ({ spec }) => parseCountRequest(jsonBodyOf(request), spec, bus.log.slots));
      return { count: await scrollPath.count(record, used, request.span) };
    },
  });

  app.route({
    ...ROUTES.scrollVectors,
    handler: async (request): Promise<ScrollResponse> => {
      refuseQuery(request);
      const { record, used } = await withFields(request, catalogue, ({ spec }) => parseScrollRequest(jsonBodyOf(request), spec, bus.log.slots));
      const { vectors, cursor } = await scrollPath.page(record, used, request.span);
      return { vectors: vectors.map(scrolledToJson), ...(cursor === undefined ? {} : { cursor }) };
    },
  });
}
