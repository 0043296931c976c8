/**
 * The routes of the gateway with what /openapi.json says about them, in the form that Fastify and @fastify/swagger take.
 * Paths are Fastify's: `:name` is a parameter.
 */
import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import { VECTOR_BODY_MEDIA_TYPE } from '../vector-body.ts';
import { NDJSON_MEDIA_TYPE } from '../write-request.ts';
import { ClusterResponseSchema, HealthResponseSchema, ReadyResponseSchema } from './cluster-schemas.ts';
import {
  EmbeddingDescriptionSchema,
  EmbeddingListResponseSchema,
  EmbeddingResponseSchema,
  RegisterRequestSchema,
} from './embedding-schemas.ts';
import { PROBLEM_MEDIA_TYPE, ProblemSchema } from './problem.ts';
import { SearchRequestSchema, SearchResponseSchema } from './search-schemas.ts';
import { closed, EmbeddingNameSchema, VectorKeySchema } from './value-schemas.ts';
import {
  DeadlineQuerySchema,
  DeleteQuerySchema,
  DeleteRequestSchema,
  VectorQuerySchema,
  VectorResponseSchema,
  WriteQuerySchema,
  WriteRequestSchema,
  WriteResponseSchema,
} from './vector-schemas.ts';

/**
 * Who may call a route, from everybody to few: no key; a key of the tenant with the role read, write or admin; the root key.
 * Each includes those before it. A route that says nothing is for the root key alone.
 */
export const ACCESSES = ['open', 'read', 'write', 'admin', 'root'] as const;
export type Access = (typeof ACCESSES)[number];

interface Content {
  readonly description: string;
  readonly content: { readonly [mediaType: string]: { readonly schema: TSchema } };
}

export interface RouteSchema {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  readonly body?: TSchema | Omit<Content, 'description'>;
  readonly response: { readonly [status: string]: Content | TSchema };
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** Fastify hands this to the hook that checks the caller's key. */
  readonly config: { readonly access: Access };
  readonly schema: RouteSchema;
}

const answer = (description: string, schema: TSchema): Content => ({ description, content: { 'application/json': { schema } } });
const problem: Content = { description: 'A problem.', content: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemSchema } } };
const nameParams = closed({ name: EmbeddingNameSchema }, 'Which embedding.');
const keyParams = closed({ name: EmbeddingNameSchema, key: VectorKeySchema }, 'Which vector; the key is percent-encoded.');

const writeBody = {
  content: {
    'application/json': { schema: WriteRequestSchema },
    [NDJSON_MEDIA_TYPE]: { schema: Type.String({ description: 'Lines of JSON, each {key, values, payload?}.' }) },
    [VECTOR_BODY_MEDIA_TYPE]: { schema: Type.String({ format: 'binary', description: 'The binary float32 form.' }) },
  },
};

export const ROUTES = {
  registerEmbedding: {
    method: 'POST',
    url: '/v1/embeddings',
    config: { access: 'write' },
    schema: {
      operationId: 'registerEmbedding',
      tags: ['embeddings'],
      summary: 'Register an embedding; repeating it returns the same code',
      body: RegisterRequestSchema,
      response: {
        200: answer('It was there with the same parameters.', EmbeddingDescriptionSchema),
        201: answer('It is new.', EmbeddingDescriptionSchema),
        default: problem,
      },
    },
  },
  listEmbeddings: {
    method: 'GET',
    url: '/v1/embeddings',
    config: { access: 'read' },
    schema: {
      operationId: 'listEmbeddings',
      tags: ['embeddings'],
      summary: 'List the embeddings of the tenant',
      response: { 200: answer('The embeddings.', EmbeddingListResponseSchema), default: problem },
    },
  },
  getEmbedding: {
    method: 'GET',
    url: '/v1/embeddings/:name',
    config: { access: 'read' },
    schema: {
      operationId: 'getEmbedding',
      tags: ['embeddings'],
      summary: 'Describe an embedding, with its counts',
      params: nameParams,
      response: { 200: answer('The embedding.', EmbeddingResponseSchema), default: problem },
    },
  },
  dropEmbedding: {
    method: 'DELETE',
    url: '/v1/embeddings/:name',
    config: { access: 'admin' },
    schema: {
      operationId: 'dropEmbedding',
      tags: ['embeddings'],
      summary: 'Drop an embedding and all of its vectors',
      params: nameParams,
      response: { 204: Type.Null({ description: 'It is dropped.' }), default: problem },
    },
  },
  writeVectors: {
    method: 'POST',
    url: '/v1/embeddings/:name/vectors',
    config: { access: 'write' },
    schema: {
      operationId: 'writeVectors',
      tags: ['vectors'],
      summary: 'Write vectors',
      params: nameParams,
      querystring: WriteQuerySchema,
      body: writeBody,
      response: { 200: answer('The write is durable.', WriteResponseSchema), default: problem },
    },
  },
  getVector: {
    method: 'GET',
    url: '/v1/embeddings/:name/vectors/:key',
    config: { access: 'read' },
    schema: {
      operationId: 'getVector',
      tags: ['vectors'],
      summary: 'Read a vector by its key',
      params: keyParams,
      querystring: VectorQuerySchema,
      response: { 200: answer('The vector.', VectorResponseSchema), default: problem },
    },
  },
  deleteVector: {
    method: 'DELETE',
    url: '/v1/embeddings/:name/vectors/:key',
    config: { access: 'write' },
    schema: {
      operationId: 'deleteVector',
      tags: ['vectors'],
      summary: 'Delete a vector by its key',
      params: keyParams,
      querystring: DeleteQuerySchema,
      response: { 200: answer('The delete is durable.', WriteResponseSchema), default: problem },
    },
  },
  deleteVectors: {
    method: 'POST',
    url: '/v1/embeddings/:name/delete',
    config: { access: 'write' },
    schema: {
      operationId: 'deleteVectors',
      tags: ['vectors'],
      summary: 'Delete vectors by their keys',
      params: nameParams,
      querystring: DeadlineQuerySchema,
      body: DeleteRequestSchema,
      response: { 200: answer('The deletes are durable.', WriteResponseSchema), default: problem },
    },
  },
  search: {
    method: 'POST',
    url: '/v1/embeddings/:name/search',
    config: { access: 'read' },
    schema: {
      operationId: 'search',
      tags: ['search'],
      summary: 'Find nearest neighbours',
      params: nameParams,
      body: SearchRequestSchema,
      response: { 200: answer('The neighbours.', SearchResponseSchema), default: problem },
    },
  },
  getCluster: {
    method: 'GET',
    url: '/v1/cluster',
    config: { access: 'root' },
    schema: {
      operationId: 'getCluster',
      tags: ['cluster'],
      summary: 'Show shards, slots and the bus',
      response: { 200: answer('The cluster.', ClusterResponseSchema), default: problem },
    },
  },
  healthz: {
    method: 'GET',
    url: '/healthz',
    config: { access: 'open' },
    schema: {
      operationId: 'healthz',
      tags: ['cluster'],
      summary: 'Whether the process is alive',
      response: { 200: answer('It is.', HealthResponseSchema), default: problem },
    },
  },
  readyz: {
    method: 'GET',
    url: '/readyz',
    config: { access: 'open' },
    schema: {
      operationId: 'readyz',
      tags: ['cluster'],
      summary: 'Whether requests are served',
      response: { 200: answer('They are.', ReadyResponseSchema), default: problem },
    },
  },
} as const satisfies Record<string, Route>;
