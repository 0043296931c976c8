/** The routes of fields, payloads, scrolling, counting and aliases. */
import { Type } from 'typebox';
import { AliasListSchema, AliasRequestSchema, AliasSchema } from './alias-schemas.ts';
import { EmbeddingDescriptionSchema } from './embedding-schemas.ts';
import { DeclareRequestSchema, PayloadUpdateSchema } from './payload-schemas.ts';
import { answer, problem, type Route } from './route.ts';
import { CountRequestSchema, CountResponseSchema, ScrollRequestSchema, ScrollResponseSchema } from './scroll-schemas.ts';
import { closed, EmbeddingNameSchema } from './value-schemas.ts';
import { DeadlineQuerySchema, WriteHeadersSchema, WriteResponseSchema } from './vector-schemas.ts';

const nameParams = closed({ name: EmbeddingNameSchema }, 'Which embedding, by its name or an alias.');
const aliasParams = closed({ alias: EmbeddingNameSchema }, 'Which alias.');

export const OPERATION_ROUTES = {
  declareFields: {
    method: 'POST',
    url: '/v1/embeddings/:name/fields',
    config: { access: 'write' },
    schema: {
      operationId: 'declareFields',
      tags: ['embeddings'],
      summary: 'Declare more fields of payloads; repeating it changes nothing',
      params: nameParams,
      body: DeclareRequestSchema,
      response: { 200: answer('The embedding with all of its fields.', EmbeddingDescriptionSchema), default: problem },
    },
  },
  updatePayloads: {
    method: 'POST',
    url: '/v1/embeddings/:name/payloads',
    config: { access: 'write' },
    schema: {
      operationId: 'updatePayloads',
      tags: ['vectors'],
      summary: 'Change payloads and leave the vectors',
      headers: WriteHeadersSchema,
      params: nameParams,
      querystring: DeadlineQuerySchema,
      body: PayloadUpdateSchema,
      response: { 200: answer('The changes are durable.', WriteResponseSchema), default: problem },
    },
  },
  scrollVectors: {
    method: 'POST',
    url: '/v1/embeddings/:name/scroll',
    config: { access: 'read' },
    schema: {
      operationId: 'scrollVectors',
      tags: ['vectors'],
      summary: 'Read all vectors, or those that pass a filter, page by page',
      params: nameParams,
      body: ScrollRequestSchema,
      response: { 200: answer('A page.', ScrollResponseSchema), default: problem },
    },
  },
  countVectors: {
    method: 'POST',
    url: '/v1/embeddings/:name/count',
    config: { access: 'read' },
    schema: {
      operationId: 'countVectors',
      tags: ['vectors'],
      summary: 'Count vectors, or those that pass a filter',
      params: nameParams,
      body: CountRequestSchema,
      response: { 200: answer('The count.', CountResponseSchema), default: problem },
    },
  },
  listAliases: {
    method: 'GET',
    url: '/v1/aliases',
    config: { access: 'read' },
    schema: {
      operationId: 'listAliases',
      tags: ['aliases'],
      summary: 'List the aliases of the tenant',
      response: { 200: answer('The aliases.', AliasListSchema), default: problem },
    },
  },
  setAlias: {
    method: 'PUT',
    url: '/v1/aliases/:alias',
    config: { access: 'admin' },
    schema: {
      operationId: 'setAlias',
      tags: ['aliases'],
      summary: 'Point an alias at an embedding, in one step',
      params: aliasParams,
      body: AliasRequestSchema,
      response: { 200: answer('The alias names the embedding.', AliasSchema), default: problem },
    },
  },
  deleteAlias: {
    method: 'DELETE',
    url: '/v1/aliases/:alias',
    config: { access: 'admin' },
    schema: {
      operationId: 'deleteAlias',
      tags: ['aliases'],
      summary: 'Delete an alias; the embedding stays',
      params: aliasParams,
      response: { 204: Type.Null({ description: 'It is gone.' }), default: problem },
    },
  },
} as const satisfies Record<string, Route>;
