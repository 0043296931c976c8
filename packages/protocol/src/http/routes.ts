/** The routes of the gateway with what /openapi.json says about them. */
import { Type } from 'typebox';
import { VECTOR_BODY_MEDIA_TYPE } from '../vector-body.ts';
import { NDJSON_MEDIA_TYPE } from '../write-request.ts';
import { BACKUP_ROUTES } from './backup-routes.ts';
import { ClusterResponseSchema, HealthResponseSchema, ReadyResponseSchema, VerifyRequestSchema, VerifyResponseSchema } from './cluster-schemas.ts';
import {
  EmbeddingDescriptionSchema,
  EmbeddingListResponseSchema,
  EmbeddingResponseSchema,
  RegisterRequestSchema,
} from './embedding-schemas.ts';
import { IMPORT_ROUTES } from './import-routes.ts';
import { MetricsSummarySchema } from './metrics-schemas.ts';
import { OPERATION_ROUTES } from './operation-routes.ts';
import { PLACEMENT_ROUTES } from './placement-routes.ts';
import { answer, problem, type Route } from './route.ts';
import { SearchRequestSchema, SearchResponseSchema } from './search-schemas.ts';
import { TENANT_ROUTES } from './tenant-routes.ts';
import { PageQuerySchema } from './tenant-schemas.ts';
import { closed, EmbeddingNameSchema, VectorKeySchema } from './value-schemas.ts';
import {
  DeadlineQuerySchema,
  DeleteQuerySchema,
  DeleteRequestSchema,
  VectorByKeyQuerySchema,
  VectorQuerySchema,
  VectorResponseSchema,
  WriteHeadersSchema,
  WriteQuerySchema,
  WriteRequestSchema,
  WriteResponseSchema,
} from './vector-schemas.ts';

const nameParams = closed({ name: EmbeddingNameSchema }, 'Which embedding.');
const keyParams = closed({ name: EmbeddingNameSchema, key: VectorKeySchema }, 'Which vector; the key is percent-encoded.');

const writeBody = {
  content: {
    'application/json': { schema: WriteRequestSchema },
    [NDJSON_MEDIA_TYPE]: { schema: Type.String({ description: 'Lines of JSON, each {key, values, payload?, ifSequence?}.' }) },
    [VECTOR_BODY_MEDIA_TYPE]: { schema: Type.String({ format: 'binary', description: 'The binary float32 form.' }) },
  },
};

export const ROUTES = {
  ...TENANT_ROUTES,
  ...OPERATION_ROUTES,
  ...IMPORT_ROUTES,
  ...BACKUP_ROUTES,
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
      querystring: PageQuerySchema,
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
      headers: WriteHeadersSchema,
      params: nameParams,
      querystring: WriteQuerySchema,
      body: writeBody,
      response: { 200: answer('The write is durable.', WriteResponseSchema), default: problem },
    },
  },
  getVectorByQuery: {
    method: 'GET',
    url: '/v1/embeddings/:name/vectors',
    config: { access: 'read' },
    schema: {
      operationId: 'getVectorByQuery',
      tags: ['vectors'],
      summary: 'Read a vector by its key, for keys that no path can carry',
      params: nameParams,
      querystring: VectorByKeyQuerySchema,
      response: { 200: answer('The vector.', VectorResponseSchema), default: problem },
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
      headers: WriteHeadersSchema,
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
      summary: 'Delete vectors by their keys or by a filter',
      headers: WriteHeadersSchema,
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
  verifyReplicas: {
    method: 'POST',
    url: '/v1/cluster/verifications',
    config: { access: 'root' },
    schema: {
      operationId: 'verifyReplicas',
      tags: ['cluster'],
      summary: 'Have all rows read again and compared with what was written',
      body: VerifyRequestSchema,
      response: { 202: answer('The shards were told.', VerifyResponseSchema), default: problem },
    },
  },
  getMetricsSummary: {
    method: 'GET',
    url: '/v1/metrics/summary',
    config: { access: 'root' },
    schema: {
      operationId: 'getMetricsSummary',
      tags: ['cluster'],
      summary: 'Show what the whole cluster did: counts, rates and percentiles',
      response: { 200: answer('The sums.', MetricsSummarySchema), default: problem },
    },
  },
  getMetrics: {
    method: 'GET',
    url: '/metrics',
    config: { access: 'root' },
    schema: {
      operationId: 'getMetrics',
      tags: ['cluster'],
      summary: 'Show the metrics of this process, for Prometheus',
      response: { 200: { description: 'In the text format of Prometheus.', content: { 'text/plain': { schema: Type.String() } } }, default: problem },
    },
  },
  ...PLACEMENT_ROUTES,
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
