import { Readable } from 'node:stream';
import { LIMITS, NDJSON_MEDIA_TYPE, ROUTES, ShoalError, parseImportRequest, type ImportListResponse, type ImportReportResponse, type ImportResponse } from '@shoal/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { notFound } from '../catalogue/catalogue.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import type { ImportFilter } from '../imports/import-service.ts';
import { tenantScope } from '../tenancy/audit-log.ts';
import { idempotencyOf, pageOf, pageOptions, refuseQuery } from './query-string.ts';
import { mayUse, parameterOf, type RouteContext } from './route-context.ts';

/** Imports into the embeddings that the caller's key is for. */
const filterOf = (request: FastifyRequest): ImportFilter => ({ record }) => mayUse(request, record.embedding);
const importOf = (request: FastifyRequest): string => parameterOf(request, 'import');

/** A position in a report; the cursor is the number of rows before it. */
function positionOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,7}$/.test(cursor) || Number(cursor) > LIMITS.importRejections) throw new ShoalError('invalid_field', 'cursor must be the `next` of the page before.', { field: 'cursor' });
  return Number(cursor);
}

/** Asks for imports, shows them, and steers them. */
export function addImportRoutes(app: FastifyInstance, { catalogue, imports, tenancy }: RouteContext): void {
  app.route({
    ...ROUTES.createImport,
    handler: async (request, reply) => {
      refuseQuery(request);
      const wanted = parseImportRequest(jsonBodyOf(request));
      if (!mayUse(request, wanted.embedding) && !mayUse(request, catalogue.targetOf(request.tenant, wanted.embedding) ?? wanted.embedding)) throw notFound(wanted.embedding);
      const record = await catalogue.resolve(request.tenant, wanted.embedding);
      const { response, created } = await imports.create(request.tenant, wanted, record, idempotencyOf(request).idempotencyKey);
      if (created) await tenancy.audit.note(tenantScope(request.tenant), { act: 'import.create', subject: response.id, by: request.caller.keyId, requestId: request.id });
      void reply.code(created ? 201 : 200);
      return response;
    },
  });

  app.route({
    ...ROUTES.listImports,
    handler: async (request): Promise<ImportListResponse> => {
      const options = pageOptions(request);
      const { items, ...rest } = pageOf(await imports.list(request.tenant, filterOf(request)), ({ id }) => id, options);
      return { imports: [...items], ...rest };
    },
  });

  app.route({
    ...ROUTES.getImport,
    handler: async (request) => {
      refuseQuery(request);
      return imports.get(request.tenant, importOf(request), filterOf(request));
    },
  });

  const steer = (verb: 'pause' | 'resume' | 'cancel') => async (request: FastifyRequest): Promise<ImportResponse> => {
    refuseQuery(request);
    const response = await imports[verb](request.tenant, importOf(request), filterOf(request));
    await tenancy.audit.note(tenantScope(request.tenant), { act: `import.${verb}`, subject: response.id, by: request.caller.keyId, requestId: request.id });
    return response;
  };
  app.route({ ...ROUTES.pauseImport, handler: steer('pause') });
  app.route({ ...ROUTES.resumeImport, handler: steer('resume') });
  app.route({ ...ROUTES.cancelImport, handler: steer('cancel') });

  app.route({
    ...ROUTES.deleteImport,
    handler: async (request, reply) => {
      refuseQuery(request);
      await imports.delete(request.tenant, importOf(request), filterOf(request));
      return reply.code(204).send();
    },
  });

  /** All of a report as lines, read page by page as fast as the caller takes them. */
  const reportLines = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const page = (first: number) => imports.report(request.tenant, importOf(request), filterOf(request), first, LIMITS.pageItems);
    // Before the answer begins, so that an import that is not there is still said so.
    const begin = await page(0);
    async function* lines(): AsyncGenerator<string> {
      for (let first = 0, rows = begin; rows.length > 0; rows = await page(first)) {
        yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
        first += rows.length;
      }
    }
    return reply.header('content-type', NDJSON_MEDIA_TYPE).send(Readable.from(lines()));
  };

  app.route({
    ...ROUTES.getImportReport,
    handler: async (request, reply): Promise<ImportReportResponse | FastifyReply> => {
      if (request.headers.accept === NDJSON_MEDIA_TYPE) {
        refuseQuery(request);
        return reportLines(request, reply);
      }
      const { limit, after } = pageOptions(request);
      const first = positionOf(after);
      const rows = await imports.report(request.tenant, importOf(request), filterOf(request), first, limit + 1);
      return { rejections: rows.slice(0, limit), ...(rows.length > limit ? { next: String(first + limit) } : {}) };
    },
  });
}
