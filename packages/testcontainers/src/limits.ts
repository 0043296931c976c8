/** Every bound of this package. */
export const TESTCONTAINERS_LIMITS = {
  /** A container that does not serve by then has failed; generous, because machines that run tests are busy. */
  startTimeoutMs: 120_000,
  shards: 16,
  gateways: 8,
  workers: 8,
} as const;
