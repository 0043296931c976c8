import type { Registry } from '@shoal/bus';
import { LIMITS, type AuditEvent, type TenantId } from '@shoal/protocol';
import type { Clock, Timers } from '@shoal/pacing';
import type { Logger } from 'pino';
import type { BoundedRegistry } from '../catalogue/bounded-registry.ts';
import { untilSettled } from '../catalogue/contention.ts';
import { Turns } from '../catalogue/turns.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { damaged, open, seal } from '../registry/sealed-json.ts';

/** Whose log: the prefix of its entries. */
export type AuditScope = `audit.${string}`;
/** The log about tenants themselves. */
export const CLUSTER_SCOPE: AuditScope = 'audit.cluster';
export const tenantScope = (tenant: TenantId): AuditScope => `audit.t-${Buffer.from(tenant, 'utf8').toString('base64url')}`;

export interface AdministrativeAct {
  /** As in `key.create`. */
  readonly act: string;
  readonly by: string;
  readonly subject: string;
  readonly requestId: string;
  readonly detail?: { readonly [member: string]: unknown };
}

export interface AuditLogDependencies {
  readonly registry: Registry;
  readonly bounded: BoundedRegistry;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * Administrative acts in the registry, a ring of the last LIMITS.auditEvents per scope.
 *
 *   audit.cluster.<place>            acts upon tenants
 *   audit.t-<tenant>.<place>         acts inside a tenant            tenant: base64url; place: sequence mod LIMITS.auditEvents
 *
 * Invariants:
 * 1. Sequences of a scope ascend without a gap, whichever gateways write: a place is taken by compare-and-set on what it held before.
 * 2. An act is noted after it happened; where that fails the act stands, and the service's own log has it.
 */
export class AuditLog {
  readonly #dependencies: AuditLogDependencies;
  readonly #turns = new Turns();
  readonly #lastSequence = new Map<AuditScope, number>();

  constructor(dependencies: AuditLogDependencies) {
    this.#dependencies = dependencies;
  }

  /** Never rejects. */
  async note(scope: AuditScope, act: AdministrativeAct): Promise<void> {
    const { logger } = this.#dependencies;
    logger.info({ audit: act, scope }, 'administrative act');
    try {
      await this.#turns.run(scope, () => this.#append(scope, act));
    } catch (error) {
      logger.error({ err: error, audit: act, scope }, 'an administrative act could not be noted in the audit log');
    }
  }

  /** The latest first. */
  async events(scope: AuditScope): Promise<readonly AuditEvent[]> {
    const entries = await this.#dependencies.registry.list(scope, LIMITS.auditEvents);
    return entries.map(({ key, value }) => decodeEvent(key, value)).sort((a, b) => b.sequence - a.sequence);
  }

  async #append(scope: AuditScope, act: AdministrativeAct): Promise<void> {
    const { bounded, clock, timers } = this.#dependencies;
    const at = new Date(clock.nowMs()).toISOString();
    let last = this.#lastSequence.get(scope) ?? (await this.#latest(scope));
    last = await untilSettled(timers, 'Noting an administrative act', async () => {
      const sequence = last + 1;
      const key = `${scope}.${sequence % LIMITS.auditEvents}`;
      const entry = await bounded.get(key);
      const held = entry === undefined ? 0 : decodeEvent(key, entry.value).sequence;
      if (held < sequence) {
        const value = seal({ sequence, at, ...act });
        const revision = entry === undefined ? await bounded.create(key, value) : await bounded.update(key, value, entry.revision);
        if (revision !== undefined) return sequence;
      }
      // Another gateway has noted something since.
      last = await this.#latest(scope);
      return undefined;
    });
    this.#remember(scope, last);
  }

  async #latest(scope: AuditScope): Promise<number> {
    return (await this.events(scope))[0]?.sequence ?? 0;
  }

  #remember(scope: AuditScope, sequence: number): void {
    this.#lastSequence.delete(scope);
    this.#lastSequence.set(scope, sequence);
    const oldest = this.#lastSequence.keys().next();
    if (this.#lastSequence.size > GATEWAY_LIMITS.rememberedAuditScopes && oldest.done !== true) this.#lastSequence.delete(oldest.value);
  }
}

function decodeEvent(key: string, value: Uint8Array): AuditEvent {
  const { v: _version, ...fields } = open(key, value);
  const { sequence, at, act, by, subject, requestId } = fields;
  const texts = [at, act, by, subject, requestId].every((text) => typeof text === 'string');
  if (!Number.isSafeInteger(sequence) || !texts) throw damaged(key);
  return fields as unknown as AuditEvent;
}
