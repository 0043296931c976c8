/** Every bound that the gateway itself adds to those of the protocol, in one place. */
export const GATEWAY_LIMITS = {
  /** Request bodies held at one time, all connections together. More are refused with `overloaded`. */
  bodyBytesInFlight: 256 * 1024 * 1024,
  /** Request line and headers; three bytes per byte of a percent-encoded key of the greatest length fit well inside. */
  headerBytes: 16 * 1024,
  connections: 10_000,
  /** Time for the headers, then for the whole request, of a slow client. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  /** Silence on a connection; longer than the longest deadline a caller may set. */
  connectionTimeoutMs: 150_000,
  keepAliveTimeoutMs: 65_000,
  /** How long the rest of a refused body is read and thrown away, so that the client gets to see the answer. */
  refusedBodyDrainMs: 10_000,
  /** Requests under way have this long to finish when the gateway closes; then their connections are cut. */
  closeTimeoutMs: 4_000,

  /** Requests that are worked on at one time, and how many of them for one tenant. */
  admittedRequests: 512,
  admittedPerTenant: 256,
  /** Requests that wait for their tenant's turn, and for how long at most. */
  waitingRequests: 4_096,
  admissionWaitMs: 2_000,
  /** So many bytes of a body take one more turn of their tenant, up to so many turns. */
  bodyBytesPerTurn: 64 * 1024,
  requestCostMaximum: 64,
  /** A body is large beyond this; so many large ones are read and parsed at one time, and so many of one tenant. */
  largeBodyBytes: 1024 * 1024,
  largeBodies: 8,
  largeBodiesPerTenant: 4,
  /** A large body waits for its turn for so long. */
  largeBodyWaitMs: 20_000,
  /** The event loop is looked at this often; when it came later than `lagMs` so many times in a row, requests are refused. */
  lagLookMs: 100,
  lagMs: 500,
  lagSamples: 5,

  /** Searches waiting for a place in a message, per slot. */
  queuedSearchesPerSlot: 4_096,
  /** A query message under way for so long no longer holds back the searches behind it, up to so many messages per lane. */
  overdueMs: 1_000,
  overdueMessages: 16,
  /** One query message; below the broker's default max_payload of 1 MiB. */
  queryMessageBytes: 512 * 1024,
  /** What the answers of one message may come to, by the estimate of the gateway. */
  queryAnswerBytes: 4 * 1024 * 1024,
  /** Searches that one request may become: queries times partitions. */
  searchItemsPerRequest: 16_384,
  /** Hits that all partitions together may send for one request: queries times partitions times k. */
  gatheredHitsPerRequest: 1 << 20,
  /** The same, times the dimension, when values are wanted; as float32 within the largest answer that the bus carries. */
  gatheredComponentsPerRequest: 6_000_000,
  /** The same as hits, when payloads are wanted. */
  gatheredPayloadsPerRequest: 1 << 16,
  /** A shard is told this much less than the deadline, so that its own answer "not in time" still arrives. */
  answerMarginMs: 20,
  /**
   * A question that found no replica is asked again after this pause, which doubles up to the maximum: once where no shard is known to be
   * ready, and for `slotReturnMs` where one was heard of lately, since it or the bus may be back at any moment.
   */
  slotRetryDelayMs: 50,
  slotRetryDelayMaxMs: 400,
  slotReturnMs: 2_500,
  /** A shard that has not answered what living shards answer at once for so long, or not announced itself for so long, is asked last. */
  answerOverdueMs: 400,
  announcementOverdueMs: 2_500,
  /** A second replica is asked when an answer takes longer than this share of answers do, between the two bounds. */
  hedgePercentile: 0.95,
  hedgeMinimumMs: 10,
  hedgeMaximumMs: 1_000,
  /** The same while too few answers have come to know. */
  hedgeUnknownMs: 100,
  /** The share of questions that may be asked twice in the long run, and how many at a stretch. */
  hedgeShare: 0.05,
  hedgeStock: 64,
  /** After this share of a question's time another replica is asked in any case: the first may not come to what a receipt names. */
  secondReplicaShare: 0.25,
  /** What one message of the log holds that several writes share; a write may be a quarter of it. */
  jointOperations: 256,
  jointBytes: 256 * 1024,
  /** A message with so many operations takes no further write. */
  jointEnoughOperations: 32,
  /** When so many messages of a partition wait to be applied, further writes whose callers wait for that too gather for so long at most. */
  jointUnapplied: 2,
  jointWaitMs: 25,
  /** A waiting write asks again after this pause while no shard answers. */
  appliedRetryDelayMs: 100,
  /**
   * When replicas that keep pace had not applied what this gateway had written so long before, writes to the slot wait until they have, up to so many of
   * them and for this share of their own time; they are refused when it is worse by then.
   */
  backlogMs: 2_000,
  backlogRefusedMs: 8_000,
  backlogWaitShare: 0.5,
  backlogLookMs: 50,
  delayedWritesPerSlot: 128,
  /** Writes are remembered in so many stretches of this length per slot. */
  backlogStretches: 64,
  backlogStretchMs: 250,
  /** Idempotency keys that a gateway remembers, to refuse at once a key that is used for another write. */
  idempotencyKeys: 65_536,
  /** Partitions that one page of a scroll asks, one after the other. */
  scrollPartitions: 32,
  /** Rounds of a grouped search: each finds at least one new group or is the last. */
  groupRounds: 8,
  statisticsTimeoutMs: 2_000,
  /** Embeddings whose statistics are asked for at one time. */
  statisticsInFlight: 32,
  lastSequenceTimeoutMs: 1_000,

  /** Slots that are streamed to backups at one time, and what is read from the log for one at once. */
  backupStreams: 4,
  backupGroupMessages: 1_000,
  backupGroupBytes: 2 * 1024 * 1024,

  registryTimeoutMs: 5_000,
  /** Turns of the registration and drop protocols before they give up with `overloaded`. */
  registryAttempts: 64,
  /** Longest pause between two of them. */
  registryPauseMaxMs: 64,
  /** Unfinished registrations and drops are looked for this often, and finished when they stood for a whole period. */
  unfinishedSweepMs: 30_000,
  catalogueLoadTimeoutMs: 5_000,

  /** How long a run of an import may write. */
  importTokenMs: 30 * 24 * 3_600 * 1_000,
  /** Authorization headers that were checked and are remembered. */
  rememberedKeys: 10_000,
  rememberedDeletions: 10_000,
  /** Audit logs whose end this gateway remembers. */
  rememberedAuditScopes: 1_000,
  /** What requests cost is written to the registry this often. */
  usageFlushMs: 5_000,
  /** Gateways that one usage entry remembers as its writers. */
  usageWriters: 64,
  /** What a tenant with a quota stores is measured this often while it writes; before it is refused, when the last time is so long ago. */
  quotaMeasureMs: 10_000,
  quotaRemeasureMs: 1_000,
  /** How long a write that was let through may still be missing in what shards count, and the slices in which writes are summed. */
  quotaApplyLagMs: 5_000,
  quotaSliceMs: 500,
  /** Tenants whose stock is remembered. */
  quotaTenants: 10_000,
  /** Kinds of limiters kept: one per distinct rate. */
  rateLimiters: 10_000,
  /** One command to Redis; a rate is counted here when it takes longer. */
  redisTimeoutMs: 50,
  /** One attempt to connect, and the longest pause between two. */
  redisConnectMs: 2_000,

  /** A shard that has been silent for so long is gone. */
  shardSilenceMs: 5_000,
  shards: 1_024,
  /** How often a gateway asks how large the log is. */
  logSizeIntervalMs: 15_000,
} as const;

/** How many query messages of one slot may be under way, and which searches are worth one. */
export interface LaneLimits {
  /** While fewer are under way, a message leaves that is worth it. */
  readonly eagerMessages: number;
  /** While fewer are under way, a message that is full leaves too. */
  readonly fullMessages: number;
  /** So many searches are worth a message, or as many as `companyShare` of those under way, and any when nothing is under way. */
  readonly companySearches: number;
  readonly companyShare: number;
  /** Fewer wait for company no longer than this. */
  readonly companyWaitMs: number;
}

/**
 * Searches that are answered at once. The gateway has several messages under way, so that it works on one while a shard works on another; a message of few searches costs as
 * much as one of many, and as many as a shard takes in one go are enough.
 */
export const PROMPT_LANE: LaneLimits = { eagerMessages: 4, fullMessages: 4, companySearches: 16, companyShare: 0.5, companyWaitMs: 5 };
/** Searches that may take long, waiting for their receipt or scanning: they must not hold up each other. */
export const PATIENT_LANE: LaneLimits = { eagerMessages: 16, fullMessages: 32, companySearches: 1, companyShare: 0, companyWaitMs: 0 };
