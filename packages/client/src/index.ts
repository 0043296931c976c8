export { ShoalClient, type RegisteredEmbedding } from './shoal-client.ts';
export { ShoalClientError, type ClientErrorDetail, type FailureOrigin } from './client-error.ts';
export type { CallOptions, ShoalClientOptions, WriteCallOptions } from './client-options.ts';
export type { DeleteOptions, EmbeddingHandle, StoredVector } from './embedding-handle.ts';
export type { Filter } from './filter.ts';
export type { DeletedVectors, PayloadUpdate, ReadOptions, ScrolledVector, ScrollOptions, UpdateOptions } from './payload-calls.ts';
export type { GroupOfHits, Hit, SearchAnswer, SearchGroupsAnswer, SearchGroupsRequest, SearchManyAnswer, SearchManyRequest, SearchOptions, SearchRequest } from './search.ts';
export type { PayloadObject, VectorSource, VectorToWrite } from './vector-batches.ts';
export type { AcknowledgedBatch, ItemOutcome, WriteOptions, WriteResult } from './write-vectors.ts';
export type { ReplicaDigest, SlotDigests } from './replica-digests.ts';
export type { SlotVerification, VerifiedReplica, VerifyOptions } from './verify-replicas.ts';
export type { AliasesApi } from './aliases-api.ts';
export type { ImportsApi } from './imports-api.ts';
export type { BackupApi } from './backup-api.ts';
export type { KeysApi } from './keys-api.ts';
export type { PlacementApi } from './placement-api.ts';
export type { TenantsApi } from './tenants-api.ts';
export { CLIENT_LIMITS } from './limits.ts';
export { ERROR_REGISTRY, ShoalError } from '@shoal/protocol';
export type {
  Alias,
  BackedUpKey,
  BackedUpTenant,
  BackupStart,
  ClusterResponse,
  EmbeddingDescription,
  AuditEvent,
  EmbeddingResponse,
  ErrorCode,
  FieldType,
  KeyDescription,
  KeyRequestJson,
  LimitsResponse,
  MetricsFigures,
  MetricsSummary,
  NewKeyResponse,
  PlacementChange,
  TenantChangeJson,
  TenantRequestJson,
  TenantResponse,
  UsageResponse,
  ReceiptJson,
  RegisterRequest,
  RegisterResponse,
} from '@shoal/protocol';
