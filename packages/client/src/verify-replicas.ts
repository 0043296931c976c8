import type { ClusterResponse, ClusterSlot, VerifyResponse } from '@shoal/protocol';
import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { CLIENT_LIMITS } from './limits.ts';
import { jsonBody } from './tenants-api.ts';

export interface VerifyOptions extends CallOptions {
  /** All when absent. */
  readonly slots?: readonly number[];
}

export interface VerifiedReplica {
  readonly shard: string;
  readonly appliedSequence: number;
  /** Whether all its rows were read again since the call and gave its digest; a slot without any write has none. */
  readonly verified: boolean;
  /** Absent while the replica is being recovered. */
  readonly digest?: string;
  readonly agreement?: NonNullable<ClusterSlot['content']>['agreement'];
}

export interface SlotVerification {
  readonly slot: number;
  /** A sequence up to which all replicas were compared; 0 when they were not. */
  readonly sequence: number;
  readonly replicas: readonly VerifiedReplica[];
  /**
   * equal: every replica was read and agrees with the others. different: some hold something else, or had rows that were not what was written and
   * were rebuilt. unknown: time was over before all were read, they had no sequence in common, or nobody holds the slot.
   */
  readonly verdict: 'equal' | 'different' | 'unknown';
}

type HeldSlot = ClusterSlot & { readonly shard: string };

export interface Verifier {
  readonly transport: HttpTransport;
  readonly cluster: (options: CallOptions) => Promise<ClusterResponse>;
  readonly now: () => number;
  readonly wait: (durationMs: number, signal?: AbortSignal) => Promise<void>;
}

/** Has the rows of all replicas read again, and waits until they were or `timeoutMs` (ten minutes by default) are over. */
export async function verifyReplicas({ transport, cluster, now, wait }: Verifier, { slots, signal, timeoutMs = CLIENT_LIMITS.verifyTimeoutMs }: VerifyOptions): Promise<SlotVerification[]> {
  const deadlineMs = now() + timeoutMs;
  const callOptions = (): CallOptions => ({ ...(signal === undefined ? {} : { signal }), timeoutMs: Math.max(1, Math.min(CLIENT_LIMITS.defaultTimeoutMs, Math.ceil(deadlineMs - now()))) });
  const before = bySlot(await cluster(callOptions()));
  const body = jsonBody(slots === undefined ? {} : { slots });
  const told = (await transport.call({ method: 'POST', path: '/v1/cluster/verifications', body }, callOptions())) as VerifyResponse;
  for (;;) {
    const held = bySlot(await cluster(callOptions()));
    const seen = told.slots.map((slot) => verificationOf(slot, held.get(slot) ?? [], before.get(slot) ?? []));
    if (seen.every(({ verdict }) => verdict !== 'unknown') || now() + CLIENT_LIMITS.verifyPollMs >= deadlineMs) return seen;
    await wait(CLIENT_LIMITS.verifyPollMs, signal);
  }
}

function bySlot({ shards }: ClusterResponse): ReadonlyMap<number, readonly HeldSlot[]> {
  return Map.groupBy(shards.flatMap(({ shard, slots }) => slots.map((slot) => ({ ...slot, shard }))), ({ slot }) => slot);
}

function verificationOf(slot: number, held: readonly HeldSlot[], before: readonly HeldSlot[]): SlotVerification {
  const contentBefore = (shard: string): ClusterSlot['content'] => before.find((one) => one.shard === shard)?.content;
  const replicas = held.map(({ shard, appliedSequence, content }): VerifiedReplica => ({
    shard, appliedSequence,
    verified: content !== undefined && (appliedSequence === 0 || content.verifications > (contentBefore(shard)?.verifications ?? 0)),
    ...(content === undefined ? {} : { digest: content.digest, agreement: content.agreement }),
  }));
  const wasRebuilt = held.some(({ shard, content }) => content !== undefined && content.rebuildCount > (contentBefore(shard)?.rebuildCount ?? 0));
  return { slot, sequence: held.reduce((least, { content }, index) => Math.min(index === 0 ? Infinity : least, content?.comparedSequence ?? 0), 0), replicas, verdict: wasRebuilt ? 'different' : verdictOf(replicas) };
}

function verdictOf(replicas: readonly VerifiedReplica[]): SlotVerification['verdict'] {
  if (replicas.some(({ agreement }) => agreement === 'disputed' || agreement === 'outvoted')) return 'different';
  const wanted = replicas.length === 1 ? 'alone' : 'agrees';
  return replicas.length > 0 && replicas.every(({ verified, agreement }) => verified && agreement === wanted) ? 'equal' : 'unknown';
}
