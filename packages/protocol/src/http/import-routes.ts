/** The routes of imports. */
import { Type } from 'typebox';
import { NDJSON_MEDIA_TYPE } from '../write-request.ts';
import { ImportIdSchema, ImportListSchema, ImportReportSchema, ImportRequestSchema, ImportSchema } from './import-schemas.ts';
import { answer, problem, type Route } from './route.ts';
import { PageQuerySchema } from './tenant-schemas.ts';
import { closed } from './value-schemas.ts';
import { WriteHeadersSchema } from './vector-schemas.ts';

const importParams = closed({ import: ImportIdSchema }, 'Which import.');

const step = <const Name extends string, const Verb extends string>(operationId: Name, verb: Verb, summary: string) => ({
  method: 'POST',
  url: `/v1/imports/:import/${verb}`,
  config: { access: 'write' },
  schema: {
    operationId,
    tags: ['imports'],
    summary,
    params: importParams,
    response: { 200: answer('The import as it is now.', ImportSchema), default: problem },
  },
}) as const;

export const IMPORT_ROUTES = {
  createImport: {
    method: 'POST',
    url: '/v1/imports',
    config: { access: 'write' },
    schema: {
      operationId: 'createImport',
      tags: ['imports'],
      summary: 'Import files into an embedding; an idempotency key names the import',
      headers: WriteHeadersSchema,
      body: ImportRequestSchema,
      response: { 200: answer('It was asked for before under the same idempotency key.', ImportSchema), 201: answer('It is queued.', ImportSchema), default: problem },
    },
  },
  listImports: {
    method: 'GET',
    url: '/v1/imports',
    config: { access: 'read' },
    schema: {
      operationId: 'listImports',
      tags: ['imports'],
      summary: 'List the imports of the tenant',
      querystring: PageQuerySchema,
      response: { 200: answer('The imports.', ImportListSchema), default: problem },
    },
  },
  getImport: {
    method: 'GET',
    url: '/v1/imports/:import',
    config: { access: 'read' },
    schema: {
      operationId: 'getImport',
      tags: ['imports'],
      summary: 'Show how far an import is',
      params: importParams,
      response: { 200: answer('The import.', ImportSchema), default: problem },
    },
  },
  pauseImport: step('pauseImport', 'pause', 'Pause an import; what is in stays in'),
  resumeImport: step('resumeImport', 'resume', 'Resume an import that is paused or has failed'),
  cancelImport: step('cancelImport', 'cancel', 'Cancel an import; what is in stays in'),
  deleteImport: {
    method: 'DELETE',
    url: '/v1/imports/:import',
    config: { access: 'write' },
    schema: {
      operationId: 'deleteImport',
      tags: ['imports'],
      summary: 'Forget an import that has ended, with its report',
      params: importParams,
      response: { 204: Type.Null({ description: 'It is forgotten; its vectors stay.' }), default: problem },
    },
  },
  getImportReport: {
    method: 'GET',
    url: '/v1/imports/:import/report',
    config: { access: 'read' },
    schema: {
      operationId: 'getImportReport',
      tags: ['imports'],
      summary: 'Download which rows were left out and why: all of it as lines of JSON (Accept: application/x-ndjson), or in pages',
      params: importParams,
      querystring: PageQuerySchema,
      response: {
        200: { description: 'The rows.', content: { 'application/json': { schema: ImportReportSchema }, [NDJSON_MEDIA_TYPE]: { schema: Type.String({ description: 'One row a line.' }) } } },
        default: problem,
      },
    },
  },
} as const satisfies Record<string, Route>;
