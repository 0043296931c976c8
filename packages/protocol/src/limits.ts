/** Every bound that the protocol puts on input, in one place. Sizes in bytes unless the name says otherwise. */
export const LIMITS = {
  /** A vector key, bytes of UTF-8. */
  keyBytes: 512,
  /** Names of embeddings, tenants and shards, characters (ASCII). */
  nameChars: 128,
  /** Name of a model, characters. */
  modelChars: 256,
  /** Components of a vector. */
  dim: 8_192,
  /** Partitions of an embedding. */
  partitions: 1_024,
  /** Replicas of an embedding. */
  replicas: 8,
  /** Slots of a cluster. */
  slots: 1_024,
  /** Shards of a cluster. */
  shards: 1_024,
  /** Digests at earlier sequences that the status of a slot carries. */
  contentMarks: 64,
  /** Copies of a stream that JetStream keeps at most. */
  natsReplicas: 5,
  /** Vectors in one partition. */
  vectorsPerPartition: 1 << 24,
  /** Payload of one vector as JSON text. */
  payloadBytes: 64 * 1024,
  /** Objects and arrays inside each other in a payload, the payload itself included. */
  payloadDepth: 32,
  /** Declared fields of one embedding, and their names. */
  fieldsPerEmbedding: 64,
  fieldNameChars: 64,
  /** One keyword, bytes of UTF-8, and keywords in one list. */
  keywordBytes: 512,
  keywordsPerField: 256,
  /** Filters: levels inside each other, conditions and combinations altogether, values in one any_of or key_in, JSON text. */
  filterDepth: 8,
  filterConditions: 128,
  filterValues: 1_000,
  filterBytes: 64 * 1024,
  /** Neighbours that a search may skip; with k at most LIMITS.k. */
  offset: 999,
  /** Groups of a grouped search, and members of one. */
  groups: 100,
  groupSize: 100,
  /** Vectors in one page of a scroll. */
  scrollPage: 1_000,
  /** A cursor as text: base64url of a key whose every character is escaped, with room to spare. */
  scrollCursorChars: 8_192,
  /** Payload updates in one request. */
  updatesPerRequest: 10_000,
  /** An Idempotency-Key, printable ASCII. */
  idempotencyKeyChars: 128,
  aliasesPerTenant: 10_000,
  /** One HTTP request body. */
  bodyBytes: 32 * 1024 * 1024,
  /** Vectors in one write request. */
  vectorsPerRequest: 10_000,
  /** Keys in one delete request. */
  keysPerRequest: 10_000,
  /** Queries in one search request. */
  queriesPerRequest: 256,
  /** Neighbours of one search. */
  k: 1_000,
  /** Candidates that one search keeps. */
  ef: 4_096,
  /** Candidates per result that a search on codes may re-rank. */
  rerank: 64,
  /** Deadline of a request. */
  timeoutMs: 60_000,
  /** Links per vector and upper layer. */
  hnswM: 64,
  /** Candidates considered when a vector is linked. */
  hnswEfConstruction: 2_000,
  /** Upper bound of one mutation message; kept well below the broker's default max_payload of 1 MiB. */
  mutationBytes: 512 * 1024,
  /** Operations in one mutation message. */
  mutationOperations: 1_024,
  /** Embeddings of one slot that a shard tells to be without memory. */
  embeddingsWithoutMemory: 64,
  /** Searches that travel together in one query message. */
  searchesPerMessage: 64,
  /** Receipt entries a caller may send back: one per slot. */
  receiptSlots: 1_024,
  /** Embeddings of one tenant, whatever its quota. */
  embeddingsPerTenant: 100_000,
  /** Tenants of a cluster. */
  tenants: 100_000,
  /** API keys of one tenant. */
  keysPerTenant: 1_000,
  /** Embeddings that a key may be bound to. */
  embeddingsPerKey: 100,
  /** Entries in one page of a list, and the length of the cursor that leads to the next. */
  pageItems: 1_000,
  cursorChars: 1_024,
  /** Administrative acts that are kept per tenant. */
  auditEvents: 256,
  /** Sources of one import, and the length of each address. */
  importSources: 1_000,
  importSourceChars: 2_048,
  /** Columns that an import may name, and their names. */
  importColumns: 8_192,
  importColumnChars: 256,
  importKeyPrefixChars: 256,
  /** Imports of one tenant that are remembered. */
  importsPerTenant: 1_000,
  /** Rejected rows that the report of an import names; further ones are counted only. */
  importRejections: 100_000,
  /** Seeds are unsigned 32-bit. */
  seed: 0xffff_ffff,
  /** Text of one failure in a query response; longer text is cut. */
  failureMessageBytes: 1_024,
} as const;

/** Values used where the caller says nothing. */
export const DEFAULTS = {
  slots: 64,
  streams: 4,
  ef: 100,
  m: 16,
  efConstruction: 200,
  hnswSeed: 42,
  rabitqBits: 8,
  rabitqSeed: 42,
  partitions: 1,
  replicas: 1,
  /** 0: as many candidates as a search on codes of the embedding's bits needs to lose no recall. */
  rerank: 0,
  scrollPage: 100,
  searchTimeoutMs: 10_000,
  writeTimeoutMs: 30_000,
} as const;
