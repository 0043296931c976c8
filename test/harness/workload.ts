import assert from 'node:assert/strict';
import { seededChance } from '@shoal/bus/sim';
import type { EmbeddingHandle } from '@shoal/client';
import type { ReceiptJson } from '@shoal/protocol';

/** Uniform in [0, 1): one seed replays a workload. */
export { seededChance as seededRandom };

/** The seed of a suite: random, or the one given to replay a failure. It is printed, because a failure is worth nothing without it. */
export function suiteSeed(suite: string): number {
  const given = process.env['SHOAL_TEST_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  console.log(`${suite}: SHOAL_TEST_SEED=${seed}`);
  return seed;
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The vector of a key in a version: anyone who knows both can recompute it, and so check a distance. */
export function vectorOf(key: string, version: number, dim: number): Float32Array {
  const random = seededChance(hashText(`${key}#${version}`));
  return Float32Array.from({ length: dim }, () => random() * 2 - 1);
}

export function l2(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += ((a[index] ?? 0) - (b[index] ?? 0)) ** 2;
  return Math.sqrt(sum);
}

type Fact = { readonly state: 'live'; readonly version: number } | { readonly state: 'deleted' } | { readonly state: 'unsure'; readonly versions: readonly (number | undefined)[] };

/**
 * What a set of writers knows about the vectors it wrote. A write that was sent and not acknowledged leaves its key unsure
 * between the versions it may have; an acknowledged one makes it certain. Each key is written by one writer at a time.
 */
export class Ledger {
  readonly dim: number;
  readonly #facts = new Map<string, Fact>();
  /** Per key, every version ever sent and the moment from which no search may return it. */
  readonly #retiredAt = new Map<string, Map<number, number>>();
  readonly #inOrder: string[] = [];
  #moment = 0;

  constructor(dim: number) {
    this.dim = dim;
  }

  get keys(): string[] {
    return [...this.#facts.keys()];
  }

  get keyCount(): number {
    return this.#inOrder.length;
  }

  /** One of the keys that were ever written; `chance` lies between 0 and 1. */
  pickKey(chance: number): string | undefined {
    return this.#inOrder[Math.floor(chance * this.#inOrder.length)];
  }

  /** Versions a key may have now; undefined among them means that it may be absent. */
  possible(key: string): readonly (number | undefined)[] {
    const fact = this.#facts.get(key);
    if (fact === undefined || fact.state === 'deleted') return [undefined];
    return fact.state === 'live' ? [fact.version] : fact.versions;
  }

  /** Every version that was ever sent for a key, acknowledged or not. */
  sent(key: string): readonly number[] {
    return [...(this.#retiredAt.get(key)?.keys() ?? [])];
  }

  /** A moment in the order of acknowledgements. */
  get moment(): number {
    return this.#moment;
  }

  /** Whether a search that started at a moment, carrying all receipts until then, may return this version of a key. */
  mayReturn(key: string, version: number, startedAt: number): boolean {
    const retiredAt = this.#retiredAt.get(key)?.get(version);
    return retiredAt !== undefined && retiredAt > startedAt;
  }

  attempt(keys: Iterable<string>, version: number | undefined): void {
    for (const key of keys) {
      if (!this.#retiredAt.has(key)) this.#inOrder.push(key);
      const versions = this.#retiredAt.get(key) ?? new Map<number, number>();
      if (version !== undefined) versions.set(version, Number.POSITIVE_INFINITY);
      this.#retiredAt.set(key, versions);
    }
    for (const key of keys) this.#facts.set(key, { state: 'unsure', versions: [...new Set([...this.possible(key), version])] });
  }

  acknowledge(keys: Iterable<string>, version: number | undefined): void {
    this.#moment += 1;
    for (const key of keys) {
      const versions = this.#retiredAt.get(key);
      for (const [other, retiredAt] of versions ?? []) {
        if (other !== version && retiredAt === Number.POSITIVE_INFINITY) versions?.set(other, this.#moment);
      }
    }
    for (const key of keys) this.#facts.set(key, version === undefined ? { state: 'deleted' } : { state: 'live', version });
  }

  certain(): { live: Map<string, number>; deleted: Set<string> } {
    const live = new Map<string, number>();
    const deleted = new Set<string>();
    for (const [key, fact] of this.#facts) {
      if (fact.state === 'live') live.set(key, fact.version);
      else if (fact.state === 'deleted') deleted.add(key);
    }
    return { live, deleted };
  }
}

/** Writes a version of some keys and tells the ledger before and after. */
export async function upsertVersion(handle: EmbeddingHandle, ledger: Ledger, keys: readonly string[], version: number, wait: 'logged' | 'applied'): Promise<ReceiptJson> {
  ledger.attempt(keys, version);
  const vectors = keys.map((key) => ({ key, values: vectorOf(key, version, ledger.dim), payload: { version } }));
  const { receipt } = await handle.upsert(vectors, { wait });
  ledger.acknowledge(keys, version);
  return receipt;
}

export async function deleteKeys(handle: EmbeddingHandle, ledger: Ledger, keys: readonly string[], wait: 'logged' | 'applied'): Promise<ReceiptJson> {
  ledger.attempt(keys, undefined);
  const { receipt } = await handle.delete(keys, { wait });
  ledger.acknowledge(keys, undefined);
  return receipt;
}

/** Adds a receipt to another: the highest sequence of each slot. */
export function mergeReceipt(into: Record<string, number>, receipt: ReceiptJson): void {
  for (const [slot, sequence] of Object.entries(receipt)) into[slot] = Math.max(into[slot] ?? 0, sequence);
}

export interface AuditResult {
  readonly missing: string[];
  readonly stale: string[];
  readonly phantom: string[];
  readonly duplicated: string[];
}

/** One search that looks for a key at the place of one of its versions. */
interface Probe {
  readonly key: string;
  readonly vector: Float32Array;
}

/** Every version ever sent has its probe: one that must be gone would otherwise lie too far from the others to be seen. */
function probesOf(ledger: Ledger, keys: readonly string[]): Probe[] {
  return keys.flatMap((key) => ledger.sent(key).map((version) => ({ key, vector: vectorOf(key, version, ledger.dim) })));
}

/**
 * Compares everything that the ledger knows with the database, by searching exactly around every vector that was ever sent:
 * a live key must be found once, at distance zero, in a version that it may have; a deleted one never. With `keyCount`, for so many keys only,
 * spread evenly.
 */
export async function audit(handle: EmbeddingHandle, ledger: Ledger, after: ReceiptJson, keyCount = ledger.keyCount): Promise<AuditResult> {
  const result: AuditResult = { missing: [], stale: [], phantom: [], duplicated: [] };
  const found = new Set<string>();
  const step = Math.max(1, ledger.keyCount / keyCount);
  const keys = ledger.keys.filter((_, index) => index % step < 1);
  const probes = probesOf(ledger, keys);
  const batch = 128;
  for (let start = 0; start < probes.length; start += batch) {
    const chunk = probes.slice(start, start + batch);
    const vectors = chunk.map(({ vector }) => vector);
    const { results } = await handle.searchMany({ vectors, k: 5, path: 'flat', after, include: ['payload'], timeoutMs: 30_000 });
    for (const [index, hits] of results.entries()) {
      const { key, vector } = chunk[index] ?? assert.fail('one answer per probe');
      const possible = ledger.possible(key);
      const own = hits.filter((hit) => hit.key === key);
      if (own.length > 1) result.duplicated.push(key);
      if (own.length > 0) {
        found.add(key);
        const version = own[0]?.payload?.['version'] as number | undefined;
        if (!possible.includes(version)) (possible.every((each) => each === undefined) ? result.phantom : result.stale).push(key);
      }
      for (const hit of hits) {
        const hitVersion = hit.payload?.['version'] as number;
        const expected = l2(vector, vectorOf(hit.key, hitVersion, ledger.dim));
        if (!ledger.possible(hit.key).includes(hitVersion) || Math.abs(expected - hit.distance) > 1e-3) result.phantom.push(hit.key);
      }
    }
  }
  result.missing.push(...keys.filter((key) => !found.has(key) && !ledger.possible(key).includes(undefined)));
  return result;
}

export const CLEAN_AUDIT: AuditResult = { missing: [], stale: [], phantom: [], duplicated: [] };
