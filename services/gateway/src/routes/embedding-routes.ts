import { ROUTES, ShoalError, fieldsToJson, memoryOf, parseRegistration, type EmbeddingDescription, type EmbeddingListResponse } from '@shoal/protocol';
import { recallOf } from '@shoal/telemetry';
import type { FastifyInstance } from 'fastify';
import { WantedEmbedding } from '../catalogue/explicit-parameters.ts';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { embeddingStatistics } from '../reading/embedding-statistics.ts';
import { tenantScope } from '../tenancy/audit-log.ts';
import { pageOf, pageOptions, refuseQuery } from './query-string.ts';
import { embeddingOf, existingNameOf, mayUse, type RouteContext } from './route-context.ts';

export function describe({ spec, state, createdAtMs }: EmbeddingRecord): EmbeddingDescription {
  const { code, name, model, dim, distance, hnsw, rabitq, storage, partitions, replicas } = spec;
  return {
    code, name, model, dim, distance, hnsw, rabitq: { ...rabitq, memory: memoryOf(rabitq) }, storage, partitions, replicas, fields: fieldsToJson(spec.fields), state,
    createdAt: new Date(createdAtMs).toISOString(),
  };
}

/** Registers, lists, describes and drops embeddings. */
export function addEmbeddingRoutes(app: FastifyInstance, { catalogue, clusterReports, tenancy, bus, queries }: RouteContext): void {
  app.route({
    ...ROUTES.registerEmbedding,
    handler: async (request, reply) => {
      refuseQuery(request);
      const body = jsonBodyOf(request);
      const registration = parseRegistration(body);
      if (!mayUse(request, registration.name)) throw new ShoalError('forbidden', 'This key is bound to other embeddings.', { field: 'name' });
      const { record, created } = await catalogue.register(request.tenant, new WantedEmbedding(registration, body), tenancy.quotasOf(request.tenant).embeddings);
      if (created) await tenancy.audit.note(tenantScope(request.tenant), { act: 'embedding.register', subject: record.spec.name, by: request.caller.keyId, requestId: request.id });
      void reply.code(created ? 201 : 200);
      return describe(record);
    },
  });

  app.route({
    ...ROUTES.listEmbeddings,
    handler: async (request): Promise<EmbeddingListResponse> => {
      const options = pageOptions(request);
      const visible = catalogue.list(request.tenant).filter(({ spec }) => mayUse(request, spec.name));
      const { items, ...rest } = pageOf(visible, ({ spec }) => spec.name, options);
      return { embeddings: items.map(describe), ...rest };
    },
  });

  app.route({
    ...ROUTES.getEmbedding,
    handler: async (request) => {
      refuseQuery(request);
      const record = await embeddingOf(request, catalogue);
      const { complete, ...stats } = await embeddingStatistics(record, bus.log.slots, queries);
      const measured = recallOf(clusterReports.instances(), record.spec.code);
      const recall = measured === undefined ? {} : { recall: measured.recall, recallSearches: measured.searches };
      return { ...describe(record), stats: { ...stats, ...recall }, ...(complete ? {} : { statsComplete: false }) };
    },
  });

  app.route({
    ...ROUTES.dropEmbedding,
    handler: async (request, reply) => {
      refuseQuery(request);
      const name = existingNameOf(request);
      await catalogue.drop(request.tenant, name);
      await tenancy.audit.note(tenantScope(request.tenant), { act: 'embedding.drop', subject: name, by: request.caller.keyId, requestId: request.id });
      return reply.code(204).send();
    },
  });
}
