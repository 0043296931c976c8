import { ROUTES, ShoalError, parseAliasRequest, parseEmbeddingName, type Alias, type AliasList, type EmbeddingName } from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { notFound } from '../catalogue/catalogue.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { tenantScope } from '../tenancy/audit-log.ts';
import { refuseQuery } from './query-string.ts';
import { mayUse, parameterOf, type RouteContext } from './route-context.ts';

/** A key that is bound to embeddings could give itself others by pointing aliases at them. */
function refuseBoundKey(request: FastifyRequest): void {
  if (request.caller.embeddings !== undefined) throw new ShoalError('forbidden', 'A key that is bound to embeddings cannot change aliases.');
}

const aliasOf = (request: FastifyRequest): EmbeddingName => parseEmbeddingName(parameterOf(request, 'alias'), 'alias');

/** Lists, sets and deletes aliases. */
export function addAliasRoutes(app: FastifyInstance, { catalogue, tenancy }: RouteContext): void {
  const note = (request: FastifyRequest, act: 'alias.set' | 'alias.delete', alias: EmbeddingName): Promise<void> =>
    tenancy.audit.note(tenantScope(request.tenant), { act, subject: alias, by: request.caller.keyId, requestId: request.id });

  app.route({
    ...ROUTES.listAliases,
    handler: async (request): Promise<AliasList> => {
      refuseQuery(request);
      const visible = catalogue.listAliases(request.tenant).filter(({ record }) => mayUse(request, record.spec.name));
      return { aliases: visible.map(({ alias, record }) => ({ alias, embedding: record.spec.name, code: record.spec.code })) };
    },
  });

  app.route({
    ...ROUTES.setAlias,
    handler: async (request): Promise<Alias> => {
      refuseQuery(request);
      refuseBoundKey(request);
      const alias = aliasOf(request);
      const { embedding } = parseAliasRequest(jsonBodyOf(request));
      const record = await catalogue.resolve(request.tenant, embedding).catch((error: unknown) => {
        // In this request the name of an embedding is in the body.
        throw error instanceof ShoalError && error.code === 'embedding_not_found' ? notFound(embedding, 'embedding') : error;
      });
      if (record.spec.name !== embedding) throw notFound(embedding, 'embedding');
      await catalogue.setAlias(alias, record);
      await note(request, 'alias.set', alias);
      return { alias, embedding: record.spec.name, code: record.spec.code };
    },
  });

  app.route({
    ...ROUTES.deleteAlias,
    handler: async (request, reply) => {
      refuseQuery(request);
      refuseBoundKey(request);
      const alias = aliasOf(request);
      await catalogue.deleteAlias(request.tenant, alias);
      await note(request, 'alias.delete', alias);
      return reply.code(204).send();
    },
  });
}
