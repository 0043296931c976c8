import { ROUTES, parseRegistration, type EmbeddingDescription, type EmbeddingListResponse } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';
import { WantedEmbedding } from '../catalogue/explicit-parameters.ts';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { embeddingStatistics } from '../reading/embedding-statistics.ts';
import { refuseQuery } from './query-string.ts';
import { embeddingOf, existingNameOf, type RouteContext } from './route-context.ts';

function describe({ spec, state, createdAtMs }: EmbeddingRecord): EmbeddingDescription {
  const { code, name, model, dim, distance, hnsw, rabitq, storage, partitions, replicas } = spec;
  return {
    code, name, model, dim, distance, hnsw, rabitq, storage, partitions, replicas, state,
    createdAt: new Date(createdAtMs).toISOString(),
  };
}

/** Registers, lists, describes and drops embeddings. */
export function addEmbeddingRoutes(app: FastifyInstance, { catalogue, bus, queries }: RouteContext): void {
  app.route({
    ...ROUTES.registerEmbedding,
    handler: async (request, reply) => {
      refuseQuery(request);
      const body = jsonBodyOf(request);
      const { record, created } = await catalogue.register(request.tenant, new WantedEmbedding(parseRegistration(body), body));
      void reply.code(created ? 201 : 200);
      return describe(record);
    },
  });

  app.route({
    ...ROUTES.listEmbeddings,
    handler: async (request): Promise<EmbeddingListResponse> => {
      refuseQuery(request);
      return { embeddings: catalogue.list(request.tenant).map(describe) };
    },
  });

  app.route({
    ...ROUTES.getEmbedding,
    handler: async (request) => {
      refuseQuery(request);
      const record = await embeddingOf(request, catalogue);
      const { complete, ...stats } = await embeddingStatistics(record, bus.log.slots, queries);
      return { ...describe(record), stats, ...(complete ? {} : { statsComplete: false }) };
    },
  });

  app.route({
    ...ROUTES.dropEmbedding,
    handler: async (request, reply) => {
      refuseQuery(request);
      await catalogue.drop(request.tenant, existingNameOf(request));
      return reply.code(204).send();
    },
  });
}
