/**
 * The error registry: every operating error that Shoal reports, with its HTTP status, whether the same request may
 * succeed later (`retryable`), and a title. docs/errors.md lists the same codes; a test keeps the two equal.
 * Codes are API: they are added, never renamed or given another meaning.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  /** What the caller or the operator can do about it. */
  readonly action: string;
}

const entry = (status: number, retryable: boolean, title: string, action: string): ErrorEntry => ({ status, retryable, title, action });

export const ERROR_REGISTRY = {
  // The request itself.
  malformed_json: entry(400, false, 'The body is not valid JSON', 'Send well-formed JSON; the message names the place where possible.'),
  malformed_body: entry(400, false, 'The body is not in the declared format', 'Send the format that the content type names, complete and unaltered.'),
  unknown_field: entry(400, false, 'The request has a field that does not exist here', 'Remove the field; /openapi.json lists the fields of each request.'),
  missing_field: entry(400, false, 'A required field is missing', 'Add the field.'),
  invalid_field: entry(400, false, 'A field has a value that is not allowed', 'Send a value inside the limits that the message names.'),
  invalid_key: entry(400, false, 'A vector key is not valid', 'Send 1 to 512 bytes of UTF-8.'),
  dimension_mismatch: entry(400, false, 'A vector has the wrong number of components', 'Send vectors of the dimension with which the embedding was registered.'),
  invalid_vector: entry(400, false, 'A vector has a component that is not a finite 32-bit float', 'Remove NaN, infinities and values beyond the range of a 32-bit float.'),
  zero_vector: entry(400, false, 'A zero vector has no direction', 'Under cosine distance, send vectors that are not all zero.'),
  payload_too_large: entry(400, false, 'A payload is too large', 'Keep payloads below the limit that the message names.'),
  invalid_payload_field: entry(400, false, 'A payload does not fit the declared fields', 'Send a value of the declared type, or leave the member out.'),
  field_not_declared: entry(400, false, 'The field is not declared', 'Declare the field with POST /v1/embeddings/{name}/fields before filtering or grouping by it.'),
  body_too_large: entry(413, false, 'The request body is too large', 'Split the request.'),
  unsupported_media_type: entry(415, false, 'The content type is not supported', 'Use application/json, application/x-ndjson or application/vnd.shoal.vectors.'),
  unauthorized: entry(401, false, 'The API key is missing or not valid', 'Send the header Authorization: Bearer KEY.'),
  forbidden: entry(403, false, 'The API key may not do this', 'Use a key with the role that the message names.'),
  route_not_found: entry(404, false, 'There is no such route', 'See /openapi.json.'),
  method_not_allowed: entry(405, false, 'The route does not take this method', 'See /openapi.json.'),
  // Things named in the request.
  embedding_not_found: entry(404, false, 'The embedding does not exist', 'Register it first, or check its name.'),
  embedding_dropped: entry(410, false, 'The embedding was dropped', 'Register it again to start an empty one.'),
  vector_not_found: entry(404, false, 'No vector has this key', 'Check the key.'),
  name_taken: entry(409, false, 'Another embedding has this name', 'Choose another name.'),
  spec_conflict: entry(409, false, 'The embedding exists with other parameters', 'Register with the same parameters, or drop it first.'),
  field_conflict: entry(409, false, 'The field is declared with another type', 'Use the declared type, or another name.'),
  alias_not_found: entry(404, false, 'The alias does not exist', 'Check the name, or set the alias with PUT /v1/aliases/{alias}.'),
  name_is_alias: entry(409, false, 'The name is an alias', 'Name the embedding itself.'),
  too_many_aliases: entry(429, false, 'The tenant has as many aliases as it may have', 'Delete aliases that are no longer needed.'),
  idempotency_key_reused: entry(422, false, 'The idempotency key was used for another request', 'Send a new key with a new request; repeat a request with its own key.'),
  too_many_embeddings: entry(429, false, 'The tenant has as many embeddings as it may have', 'Drop embeddings that are no longer needed.'),
  quota_exceeded: entry(429, false, 'The tenant has used up a quota', 'Delete what is no longer needed, or have the quota raised.'),
  rate_limited: entry(429, true, 'The tenant sends faster than it may', 'Try again after the time in Retry-After.'),
  tenant_not_found: entry(404, false, 'The tenant does not exist', 'Create it first, or check its name.'),
  tenant_exists: entry(409, false, 'The tenant exists with other quotas', 'Change its quotas, or choose another name.'),
  key_exists: entry(409, false, 'Another key has this id', 'Leave the key as it is, or create a new one.'),
  key_not_found: entry(404, false, 'The tenant has no such key', 'List the keys of the tenant.'),
  too_many_keys: entry(429, false, 'The tenant has as many keys as it may have', 'Revoke keys that are no longer needed.'),
  // What an import reads.
  source_invalid: entry(422, false, 'A source of an import cannot be read as what it says it is', 'Correct the file or the address that the message names.'),
  source_refused: entry(403, false, 'A source may not be read', 'Open its directory, host or bucket to imports.'),
  source_unavailable: entry(503, true, 'A source does not answer', 'Try again; if it lasts, check the server or the bucket.'),
  import_not_found: entry(404, false, 'The import does not exist', 'Check its id; imports that were deleted are not remembered.'),
  import_conflict: entry(409, false, 'The state of the import does not allow this', 'Look at its state with GET /v1/imports/{import} first.'),
  too_many_imports: entry(429, false, 'The tenant has as many imports as are remembered', 'Delete imports that have ended.'),
  imports_unavailable: entry(503, true, 'Imports cannot be taken now', 'Check that SHOAL_REDIS_URL is set for the gateway and that Redis answers.'),
  // Backups.
  backup_corrupt: entry(422, false, 'A backup is damaged or incomplete', 'Use another backup; the message names the file.'),
  backup_unavailable: entry(503, true, 'A backup cannot be stored or read now', 'Check the directory, its free space, or the bucket; then try again.'),
  restore_conflict: entry(409, false, 'What would be restored is there already', 'Drop it, restore it under another name, or say that an interrupted restore is resumed.'),
  // The state of the cluster.
  receipt_timeout: entry(504, true, 'The write named by the receipt was not applied before the deadline', 'Try again, or allow more time with timeoutMs.'),
  receipt_unknown: entry(400, false, 'The receipt names a position that the log has not reached', 'Send the receipt that the write returned, unchanged, to the cluster that gave it.'),
  deadline_exceeded: entry(504, true, 'The request was not answered before its deadline', 'Try again, or allow more time with timeoutMs.'),
  slot_unavailable: entry(503, true, 'No shard answers for a part of the embedding', 'Try again; if it lasts, check the shards with /v1/cluster.'),
  placement_static: entry(409, false, 'The slots of every shard are given by its settings', 'Start shards without SHOAL_SHARD_SLOTS to have them placed.'),
  shard_not_found: entry(404, false, 'The cluster has no such shard', 'See the shards with /v1/cluster.'),
  log_unavailable: entry(503, true, 'The log could not take the write in time', 'Try again; a write that was not acknowledged may or may not have happened.'),
  field_not_ready: entry(503, true, 'A field that was declared lately is still being indexed', 'Try again, or allow more time with timeoutMs.'),
  overloaded: entry(503, true, 'There is more work waiting than is allowed to wait', 'Try again after the time in Retry-After.'),
  engine_memory_full: entry(507, false, 'The memory of the shard is full', 'Delete vectors, or add shards.'),
  not_ready: entry(503, true, 'The service is starting or stopping', 'Try again shortly.'),
  // Messages in the log that cannot apply; reported by set-aside records and outcomes.
  corrupt_message: entry(422, false, 'A message in the log is damaged', 'Find out what wrote to the stream; the message was set aside.'),
  unsupported_version: entry(422, false, 'A message has a version that this release does not know', 'Upgrade the shards before the gateways.'),
  misplaced_message: entry(422, false, 'A message lies in a slot where it does not belong', 'Find out what wrote to the stream; the message was set aside.'),
  // Start-up and operation.
  port_in_use: entry(500, false, 'The port is taken', 'Stop the other program or choose another port with SHOAL_HTTP_PORT.'),
  shard_name_taken: entry(500, false, 'Another process is the shard of this name', 'Give every shard its own SHOAL_SHARD_ID.'),
  directory_unusable: entry(500, false, 'The data directory cannot be written', 'Choose a writable directory with SHOAL_DATA_DIR.'),
  directory_locked: entry(500, false, 'Another process uses the data directory', 'Stop the other process or choose another directory with SHOAL_DATA_DIR.'),
  store_corrupt: entry(500, false, 'The data on disk is damaged', 'Set the directory aside and start again; the log is replayed.'),
  store_incompatible: entry(500, false, 'The data on disk was written with other settings or by a newer version', 'Start with the settings and version it was written with.'),
  bus_unreachable: entry(503, true, 'The message bus cannot be reached', 'Check SHOAL_NATS_URL and the server.'),
  bus_incompatible: entry(500, false, 'The message bus is too old or lacks JetStream', 'Use nats-server 2.12 or newer, started with JetStream.'),
  log_incompatible: entry(500, false, 'The log exists with settings that do not fit', 'Start with the slot and stream counts that the log was created with.'),
  log_trimmed: entry(500, true, 'The part of the log that was asked for was trimmed', 'Nothing: the shard restores a snapshot that holds it. If it lasts, check that snapshots can be read.'),
  snapshot_unavailable: entry(503, true, 'A snapshot cannot be stored or read now', 'Check the NATS server, its free space, or the snapshot directory.'),
  snapshot_corrupt: entry(500, false, 'A snapshot is damaged', 'Nothing: an older snapshot or the log is used instead.'),
  store_unwritable: entry(500, false, 'The data directory cannot be written any more', 'Make room on the disk, or make it writable; then start again.'),
  replica_diverged: entry(500, true, 'A replica holds other rows than the log gives', 'Nothing: the replica is set aside and rebuilt. If it comes again, check the disk and memory of the shard.'),
  invalid_configuration: entry(500, false, 'A setting is not valid', 'Correct the environment variable that the message names.'),
  internal: entry(500, true, 'An unexpected error', 'Try again; if it lasts, report it with the request id.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_REGISTRY;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_REGISTRY, value);
}
