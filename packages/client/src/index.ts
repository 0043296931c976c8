export { ShoalClient, type RegisteredEmbedding } from './shoal-client.ts';
export { ShoalClientError, type ClientErrorDetail, type FailureOrigin } from './client-error.ts';
export type { CallOptions, ShoalClientOptions } from './client-options.ts';
export type { DeleteOptions, EmbeddingHandle, StoredVector } from './embedding-handle.ts';
export type { Hit, SearchAnswer, SearchManyAnswer, SearchManyRequest, SearchOptions, SearchRequest } from './search.ts';
export type { VectorSource, VectorToWrite } from './vector-batches.ts';
export type { AcknowledgedBatch, ItemOutcome, WriteOptions, WriteResult } from './write-vectors.ts';
export { CLIENT_LIMITS } from './limits.ts';
export { ERROR_REGISTRY, ShoalError } from '@shoal/protocol';
export type {
  ClusterResponse,
  EmbeddingDescription,
  EmbeddingResponse,
  ErrorCode,
  ReceiptJson,
  RegisterRequest,
  RegisterResponse,
} from '@shoal/protocol';
