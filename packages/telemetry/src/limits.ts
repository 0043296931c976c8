/** Bounds of what is measured and sent, in one place. */
export const TELEMETRY_LIMITS = {
  /** Embeddings that one service counts by themselves; operations on further ones are in the totals alone. */
  countedEmbeddings: 1_000,
  /** Embeddings that are exported and published by themselves: those with the most operations. */
  shownEmbeddings: 32,
} as const;
