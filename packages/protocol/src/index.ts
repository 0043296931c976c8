export * from './ids.ts';
export * from './limits.ts';
export * from './error-registry.ts';
export * from './shoal-error.ts';
export * from './embedding-spec.ts';
export * from './receipt.ts';
export * from './mutation.ts';
export * from './query.ts';
export * from './placement.ts';
export { compareReplicas, REPLICA_VERDICTS, type ReplicaAgreement, type ReplicaContent } from './replica-agreement.ts';
export type { ContentPoint, ContentVerification, SlotContent } from './slot-content.ts';
export { encodeMutation, decodeMutation } from './mutation-codec.ts';
export { splitWriteOperations } from './write-splitting.ts';
export { encodedOperationBytes } from './write-operations-codec.ts';
export type { MessageIdentity, WriteOperations } from './write-splitting.ts';
export * from './idempotency.ts';
export { encodeOutcomes, encodeDeletedOutcome, decodeOutcomes, decodeMessageOutcomes } from './outcome-codec.ts';
export {
  parseRegistration,
  parseEmbeddingSpec,
  embeddingSpecToJson,
  derivedName,
  identityOf,
  sameParameters,
} from './embedding-registration.ts';
export type { EmbeddingSpecJson, Registration, EmbeddingIdentity } from './embedding-registration.ts';
export { encodeQueryRequest, decodeQueryRequest } from './query-request-codec.ts';
export { encodeQueryResponse, decodeQueryResponse } from './query-response-codec.ts';
export * from './placement-map.ts';
export { parseMoveRequest, parseReplicasRequest, parseSlotText } from './placement-requests.ts';
export {
  encodePlacementMap, decodePlacementMap, encodeMemberLease, decodeMemberLease, encodeControllerLease, decodeControllerLease,
} from './placement-codec.ts';
export { encodeShardStatus, decodeShardStatus } from './shard-status-codec.ts';
export { encodeVerifyOrder, decodeVerifyOrder, parseVerifyRequest, type VerifyOrder } from './verify-order.ts';
export * from './metrics-report.ts';
export { encodeMetricsReport, decodeMetricsReport } from './metrics-report-codec.ts';
export { parseVectorValues, checkVector } from './vector-values.ts';
export { mergePayload, parsePayload, parsePayloadText, payloadToJson } from './payload.ts';
export * from './payload-fields.ts';
export * from './filter.ts';
export * from './filter-parser.ts';
export * from './filter-match.ts';
export { VECTOR_BODY_MEDIA_TYPE, encodeVectorBody, decodeVectorBody } from './vector-body.ts';
export type { VectorInput, VectorRecord } from './vector-body.ts';
export * from './write-request.ts';
export * from './search-request.ts';
export * from './delete-request.ts';
export * from './payload-update-request.ts';
export * from './scroll-request.ts';
export * from './declare-request.ts';
export * from './alias-request.ts';
export * from './import-request.ts';
export * from './slot-backup-codec.ts';
export { PieceReader } from './piece-reader.ts';
export * from './http-schemas.ts';
export * from './environment.ts';
export * from './tenancy.ts';
