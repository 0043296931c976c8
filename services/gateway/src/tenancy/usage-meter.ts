import type { TenantId } from '@shoal/protocol';
import { pause, type Clock, type Timers } from '@shoal/pacing';
import type { Logger } from 'pino';
import type { BoundedRegistry } from '../catalogue/bounded-registry.ts';
import { untilSettled } from '../catalogue/contention.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { NO_USAGE, addSums, decodeUsage, encodeUsage, usageKey, type UsageRecord, type UsageSums } from './usage-records.ts';

export interface UsageMeterDependencies {
  readonly registry: BoundedRegistry;
  /** Names this gateway among those that write; random per process. */
  readonly writer: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

type MutableSums = { -readonly [Sum in keyof UsageSums]: number };

/** What was taken to be written, and under which number. */
interface Flight {
  readonly sums: UsageSums;
  readonly flush: number;
}

export interface TenantUsage {
  readonly sinceMs: number;
  readonly sums: UsageSums;
}

/**
 * Sums what requests cost, per tenant, over all gateways.
 *
 * Invariants:
 * 1. A request is counted in memory when it ends and in the registry at the next flush, exactly once even when the answer of the registry was
 *    lost: the entry says which flush of each gateway it holds, and a flush is not done twice.
 * 2. A gateway that is killed loses what it counted since its last flush, at most GATEWAY_LIMITS.usageFlushMs ago.
 */
export class UsageMeter {
  readonly #dependencies: UsageMeterDependencies;
  readonly #pending = new Map<TenantId, MutableSums>();
  readonly #flights = new Map<TenantId, Flight>();
  readonly #stop = new AbortController();
  #flushes = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(dependencies: UsageMeterDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.flush();
  }

  count(tenant: TenantId, request: Omit<UsageSums, 'requests'>): void {
    let sums = this.#pending.get(tenant);
    if (sums === undefined) {
      sums = { ...NO_USAGE };
      this.#pending.set(tenant, sums);
    }
    sums.requests += 1;
    sums.refused += request.refused;
    sums.distances += request.distances;
    sums.vectorsWritten += request.vectorsWritten;
    sums.bytesIn += request.bytesIn;
    sums.bytesOut += request.bytesOut;
  }

  /** Everything that all gateways have written, and what this one has not yet. */
  async usageOf(tenant: TenantId): Promise<TenantUsage> {
    await this.#flushTenant(tenant);
    const key = usageKey(tenant);
    const entry = await this.#dependencies.registry.get(key);
    if (entry === undefined) return { sinceMs: this.#dependencies.clock.nowMs(), sums: NO_USAGE };
    const { sinceMs, sums } = decodeUsage(key, entry.value);
    return { sinceMs, sums };
  }

  /** Never rejects: what could not be written is kept for the next time. */
  async flush(): Promise<void> {
    for (const tenant of new Set([...this.#flights.keys(), ...this.#pending.keys()])) {
      try {
        await this.#flushTenant(tenant);
      } catch (error) {
        this.#dependencies.logger.warn({ err: error }, 'usage could not be written yet');
        return;
      }
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await pause(this.#dependencies.timers, GATEWAY_LIMITS.usageFlushMs, signal);
      if (!signal.aborted) await this.flush();
    }
  }

  async #flushTenant(tenant: TenantId): Promise<void> {
    const flight = this.#flights.get(tenant) ?? this.#takeOff(tenant);
    if (flight === undefined) return;
    await untilSettled(this.#dependencies.timers, 'Writing usage', () => this.#write(tenant, flight));
    if (this.#flights.get(tenant) === flight) this.#flights.delete(tenant);
  }

  #takeOff(tenant: TenantId): Flight | undefined {
    const sums = this.#pending.get(tenant);
    if (sums === undefined) return undefined;
    this.#pending.delete(tenant);
    this.#flushes += 1;
    const flight: Flight = { sums, flush: this.#flushes };
    this.#flights.set(tenant, flight);
    return flight;
  }

  async #write(tenant: TenantId, { sums, flush }: Flight): Promise<true | undefined> {
    const { registry, writer, clock } = this.#dependencies;
    const key = usageKey(tenant);
    const entry = await registry.get(key);
    const before: UsageRecord = entry === undefined ? { sinceMs: clock.nowMs(), sums: NO_USAGE, writers: [] } : decodeUsage(key, entry.value);
    if (before.writers.some((known) => known.writer === writer && known.flush >= flush)) return true;
    const others = before.writers.filter((known) => known.writer !== writer).slice(1 - GATEWAY_LIMITS.usageWriters);
    const after = encodeUsage({ ...before, sums: addSums(before.sums, sums), writers: [...others, { writer, flush }] });
    const revision = entry === undefined ? await registry.create(key, after) : await registry.update(key, after, entry.revision);
    return revision === undefined ? undefined : true;
  }
}
