import { ShoalError, type TenantId, type TenantQuotas } from '@shoal/protocol';
import type { Clock } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';

export interface Stock {
  readonly vectors: number;
  readonly bytes: number;
}

export interface StorageQuotasDependencies {
  readonly clock: Clock;
  /** What the shards say that a tenant has stored. */
  readonly measure: (tenant: TenantId) => Promise<Stock>;
}

interface Written {
  readonly atMs: number;
  vectors: number;
  bytes: number;
}

interface TenantStock {
  stock: Stock;
  /** When the measuring began; what was written well before that is in it. */
  measuredAtMs: number;
  /** What this gateway let through, in slices of time, as long as it may be missing in the stock. */
  readonly written: Written[];
}

/**
 * Holds tenants to the vectors and bytes that they may store.
 *
 * A write is let through while the measured stock, and all that this gateway let through since, leave room for it. Replacing a vector counts as
 * adding one until the next measuring, so before a write is refused the stock is measured anew, at most every GATEWAY_LIMITS.quotaRemeasureMs.
 * Several gateways know of each other's writes by measuring only: a tenant may pass its quota by what all of them take in
 * GATEWAY_LIMITS.quotaMeasureMs. Deletes are never refused.
 */
export class StorageQuotas {
  readonly #dependencies: StorageQuotasDependencies;
  readonly #stocks = new Map<TenantId, TenantStock>();
  readonly #measuring = new Map<TenantId, Promise<TenantStock>>();

  constructor(dependencies: StorageQuotasDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `quota_exceeded`, or `rate_limited` where only writes stand in the way that may be in the stock already. */
  async admit(tenant: TenantId, quotas: TenantQuotas, write: Stock): Promise<void> {
    if (quotas.vectors === undefined && quotas.bytes === undefined) return;
    const known = await this.#fresh(tenant, GATEWAY_LIMITS.quotaMeasureMs);
    if (excess(quotas, known, write) !== undefined) {
      const measured = await this.#fresh(tenant, GATEWAY_LIMITS.quotaRemeasureMs);
      const error = excess(quotas, measured, write);
      if (error !== undefined) throw excess(quotas, withoutCounted(measured), write) ?? notCountedYet();
    }
    this.#note(tenant, write);
  }

  /** The stock as it was measured at most so long ago. */
  async #fresh(tenant: TenantId, ageMaximumMs: number): Promise<TenantStock> {
    const known = this.#stocks.get(tenant);
    if (known !== undefined && this.#dependencies.clock.nowMs() - known.measuredAtMs < ageMaximumMs) return known;
    const running = this.#measuring.get(tenant);
    if (running !== undefined) return running;
    const measuring = this.#measure(tenant).finally(() => this.#measuring.delete(tenant));
    this.#measuring.set(tenant, measuring);
    return measuring;
  }

  async #measure(tenant: TenantId): Promise<TenantStock> {
    const measuredAtMs = this.#dependencies.clock.nowMs();
    const stock = await this.#dependencies.measure(tenant);
    const known = this.#stocks.get(tenant) ?? { stock, measuredAtMs, written: [] };
    known.stock = stock;
    known.measuredAtMs = measuredAtMs;
    // A write may be in the log and not yet in the index when it is measured.
    const keptFromMs = measuredAtMs - GATEWAY_LIMITS.quotaApplyLagMs;
    known.written.splice(0, known.written.findLastIndex(({ atMs }) => atMs < keptFromMs) + 1);
    this.#stocks.delete(tenant);
    this.#stocks.set(tenant, known);
    const oldest = this.#stocks.keys().next();
    if (this.#stocks.size > GATEWAY_LIMITS.quotaTenants && oldest.done !== true) this.#stocks.delete(oldest.value);
    return known;
  }

  #note(tenant: TenantId, { vectors, bytes }: Stock): void {
    const written = this.#stocks.get(tenant)?.written;
    if (written === undefined) return;
    const atMs = this.#dependencies.clock.nowMs();
    const last = written.at(-1);
    if (last === undefined || atMs - last.atMs >= GATEWAY_LIMITS.quotaSliceMs) written.push({ atMs, vectors, bytes });
    else {
      last.vectors += vectors;
      last.bytes += bytes;
    }
  }
}

/** What is certain: writes from before the measuring may be in its stock already. */
function withoutCounted(known: TenantStock): TenantStock {
  return { ...known, written: known.written.filter(({ atMs }) => atMs >= known.measuredAtMs) };
}

/** The newest writes are counted twice until it is certain that the stock holds them: a refusal for that alone is to be tried again. */
function notCountedYet(): ShoalError {
  const waitMs = GATEWAY_LIMITS.quotaApplyLagMs;
  return new ShoalError('rate_limited', `The tenant is near its quota, and its writes of the last ${waitMs} ms are still being counted.`, { retryAfterMs: waitMs });
}

function excess(quotas: TenantQuotas, { stock, written }: TenantStock, write: Stock): ShoalError | undefined {
  for (const name of ['vectors', 'bytes'] as const) {
    const quota = quotas[name];
    if (quota === undefined) continue;
    const total = written.reduce((sum, slice) => sum + slice[name], stock[name] + write[name]);
    if (total > quota) return new ShoalError('quota_exceeded', `The tenant may store ${quota} ${name}; with this write it would be ${total}.`, { limit: quota });
  }
  return undefined;
}
