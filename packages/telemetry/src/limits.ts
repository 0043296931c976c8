/** Bounds of what is measured and sent, in one place. */
export const TELEMETRY_LIMITS = {
  /** Embeddings that one service counts by themselves; operations on further ones are in the totals alone. */
  countedEmbeddings: 1_000,
  /** Embeddings that are exported and published by themselves: those with the most operations. */
  shownEmbeddings: 32,
  /** How often a service announces what it counted. */
  reportIntervalMs: 2_000,
  /** An instance that was silent for so long is retired: its last report counts on, its rate is 0. */
  silentMs: 10_000,
  /** Instances that a gateway remembers; the counts of older ones are kept as one sum. */
  instances: 1_024,
  /** Names of instances in that sum, so that a late report of one counts nothing twice. */
  foldedInstances: 65_536,
  /** Rates are over this window, measured between reports that are so far apart. */
  rateWindowMs: 60_000,
  rateStepMs: 10_000,
  /** Reports sent to a gateway that asks, how long it is before another one is answered, and when a gateway asks a second time. */
  repeatedReports: 1_024,
  repeatPauseMs: 1_000,
  askAgainMs: 3_000,
  /** Spans that wait to be sent (more are dropped), how many go at once, and how long they gather. */
  queuedSpans: 2_048,
  spansPerExport: 512,
  spanDelayMs: 1_000,
  /** Log lines that wait likewise, before there is a place to send them to, and how much of one is sent. */
  queuedLogs: 2_048,
  logsPerExport: 512,
  logDelayMs: 1_000,
  waitingLogLines: 256,
  logAttributes: 64,
  logAttributeChars: 8_192,
  /** Sending anything takes no longer, and the end of the process waits so long for what is left. */
  exportTimeoutMs: 3_000,
  exportCloseMs: 4_000,
  /** How long a failure to send is not told again. */
  exportFailureMs: 60_000,
  /** Requests in one message that its span names; a message carries no more searches. */
  linksPerSpan: 128,
} as const;
