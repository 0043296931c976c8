import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { SimWorld, WorldTimeout } from '@shoal/bus/sim';
import type { EmbeddingHandle } from '@shoal/client';
import { ShoalError } from '@shoal/protocol';
import { l2, mergeReceipt, vectorOf } from '../harness/workload.ts';
import { FaultSchedule } from './fault-schedule.ts';
import { KeyHistory, type State } from './key-history.ts';
import { SimCluster, type PlantedFault } from './sim-cluster.ts';

const DIM = 6;
const WRITERS = 3;
const READERS = 2;
const KEYS_PER_WRITER = 24;
const LOAD_MS = 12_000;
const LIMIT_MS = 600_000;
/** Looks at the digests of replicas, a second apart. */
const COMPARISONS = 60;

export interface SimResult {
  readonly seed: number;
  /** What contradicted the reference, in the order it was seen; empty when all is well. */
  readonly contradictions: readonly string[];
  /** Codes of what shards noticed about their own rows, and mended. */
  readonly alarms: readonly string[];
  readonly acknowledged: number;
  readonly failed: number;
  readonly reads: number;
  readonly failedReads: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Slots whose log was trimmed, and snapshots that are kept, at the end. */
  readonly trimmedSlots: number;
  readonly snapshots: number;
  readonly eventCount: number;
  /** Of all that was asked and answered: two runs of one seed have the same. */
  readonly historyDigest: string;
}

/** A load by several writers and readers on a simulated cluster while everything goes wrong, and a check of all that was answered. */
class SimRun {
  readonly #world: SimWorld;
  readonly #cluster: SimCluster;
  readonly #faults: FaultSchedule;
  readonly #keys = new Map<string, KeyHistory>();
  readonly #receipt: Record<string, number> = {};
  readonly #contradictions: string[] = [];
  readonly #history = createHash('sha256');
  readonly #tally = { acknowledged: 0, failed: 0, reads: 0, failedReads: 0 };
  #loading = true;
  #replicaCount = 1;
  #moment = 0;

  constructor(seed: number, planted: PlantedFault | undefined) {
    this.#world = new SimWorld(seed);
    this.#cluster = new SimCluster(this.#world, {
      gatewayCount: 2, ...this.#shape(planted?.needsReplicas === true), lossRate: this.#world.happens(0.5) ? 0.02 : 0,
      ...(planted === undefined ? {} : { planted }),
    });
    this.#faults = new FaultSchedule(this.#cluster);
  }

  /** One replica of each slot on one to three shards, or two replicas on two or three. */
  #shape(needsReplicas: boolean): { readonly shardCount: number; readonly replicaCount: number } {
    const replicaCount = needsReplicas || this.#world.happens(0.3) ? 2 : 1;
    this.#replicaCount = replicaCount;
    return { shardCount: this.#world.between(replicaCount, 3), replicaCount };
  }

  async run(): Promise<SimResult> {
    try {
      await this.#world.run(this.#live(), LIMIT_MS);
    } catch (error) {
      // Being out of service for good is a finding, noted where it was met; anything else is a fault of the simulation itself.
      if (error instanceof WorldTimeout) this.#contradict(error.message);
      else if (!(error instanceof ShoalError) || this.#contradictions.length === 0) throw error;
    } finally {
      await this.#cluster.dispose();
    }
    return {
      seed: this.#world.seed, contradictions: this.#contradictions, alarms: this.#cluster.alarms, ...this.#tally, faults: this.#faults.counts,
      trimmedSlots: this.#cluster.trimmedSlots, snapshots: this.#cluster.broker.snapshots.length,
      eventCount: this.#world.eventCount, historyDigest: this.#history.digest('hex'),
    };
  }

  async #live(): Promise<void> {
    await this.#cluster.start();
    const handle = await this.#register();
    const load = [
      ...Array.from({ length: WRITERS }, (_, writer) => this.#write(handle, writer)),
      ...Array.from({ length: READERS }, () => this.#readAlong(handle)),
    ];
    const faults = this.#faults.run(() => this.#loading);
    await this.#world.pause(LOAD_MS);
    this.#loading = false;
    await faults;
    await this.#faults.heal();
    await Promise.all(load);
    await this.#persist(() => this.#read(handle, 60_000));
    await this.#compareReplicas();
  }

  /** When nobody writes any more, all replicas come to the same sequence and hold the same there. */
  async #compareReplicas(): Promise<void> {
    const isEqual = async (): Promise<boolean> => (await this.#cluster.client().replicaDigests()).every(({ equal, replicas }) => equal && replicas.length === this.#replicaCount);
    for (let attempt = 1; !(await this.#persist(isEqual)); attempt += 1) {
      if (attempt === COMPARISONS) return this.#contradict('replicas do not come to hold the same');
      await this.#world.pause(1_000);
    }
  }

  /** Registers some embeddings, each by two callers at once; returns the one that is written to. */
  async #register(): Promise<EmbeddingHandle> {
    const register = (model: string) => this.#persist(() => this.#cluster.client().register({ model, dim: DIM, distance: 'l2', partitions: 3 }));
    const models = ['simulated', 'another', 'a third'];
    const registered = await Promise.all([...models, ...models].map(register));
    const codes = registered.map(({ description }) => description.code);
    for (const [index, model] of models.entries()) {
      if (codes[index] !== codes[index + models.length]) this.#contradict(`the embedding of ${model} has two codes`);
    }
    if (new Set(codes).size !== models.length) this.#contradict(`${models.length} embeddings have ${new Set(codes).size} codes`);
    return registered[0]?.handle ?? assert.fail('an embedding was registered');
  }

  async #write(handle: EmbeddingHandle, writer: number): Promise<void> {
    const world = this.#world;
    for (let round = 1; this.#loading; round += 1) {
      const names = new Set(Array.from({ length: world.between(1, 5) }, () => `w${writer}-${world.between(1, KEYS_PER_WRITER)}`));
      const keys = [...names].filter((key) => this.#historyOf(key).isCertain);
      if (keys.length === 0) return;
      await this.#writeOnce(handle, keys, world.chance() < 0.25 ? 'absent' : round);
      await this.#world.pause(world.between(0, 60));
    }
  }

  async #writeOnce(handle: EmbeddingHandle, keys: readonly string[], state: State): Promise<void> {
    const moment = this.#nextMoment();
    for (const key of keys) this.#historyOf(key).send(state, moment);
    const wait = this.#world.happens(0.2) ? 'applied' : 'logged';
    try {
      const { receipt } = state === 'absent'
        ? await handle.delete(keys, { wait })
        : await handle.upsert(keys.map((key) => ({ key, values: vectorOf(key, state, DIM), payload: { version: state } })), { wait });
      mergeReceipt(this.#receipt, receipt);
      const heardAt = this.#nextMoment();
      for (const key of keys) this.#historyOf(key).acknowledge(heardAt);
      this.#tally.acknowledged += 1;
      this.#note(`write ${keys.join()} ${state} ${JSON.stringify(receipt)}`);
    } catch (error) {
      this.#expectOperatingError(error);
      this.#tally.failed += 1;
      this.#note(`write ${keys.join()} ${state} failed`);
    }
  }

  async #readAlong(handle: EmbeddingHandle): Promise<void> {
    while (this.#loading) {
      try {
        await this.#read(handle, 3_000);
      } catch (error) {
        this.#expectOperatingError(error);
        this.#tally.failedReads += 1;
      }
      await this.#world.pause(this.#world.between(10, 200));
    }
  }

  /** Reads everything there is and compares it with the reference. */
  async #read(handle: EmbeddingHandle, timeoutMs: number): Promise<void> {
    const askedAt = this.#nextMoment();
    const center = new Float32Array(DIM);
    const { hits } = await handle.search({ vector: center, k: 1_000, path: 'flat', after: { ...this.#receipt }, include: ['payload'], timeoutMs });
    const heardAt = this.#nextMoment();
    this.#tally.reads += 1;
    this.#note(`read ${hits.length}`);
    const found = new Map<string, number>();
    for (const { key, distance, payload } of hits) {
      const version = payload?.['version'] as number;
      if (found.has(key)) this.#contradict(`${key} is there twice`);
      found.set(key, version);
      if (!this.#historyOf(key).visible(askedAt, heardAt).has(version)) this.#contradict(`${key} has version ${version}, which it may not have`);
      if (Math.abs(l2(center, vectorOf(key, version, DIM)) - distance) > 1e-4) this.#contradict(`${key} has the vector of another version`);
    }
    for (const [key, history] of this.#keys) {
      if (!found.has(key) && !history.visible(askedAt, heardAt).has('absent')) this.#contradict(`${key} is missing`);
    }
  }

  /** What must succeed in the end, through faults. */
  async #persist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        this.#expectOperatingError(error);
        if (attempt === 8) {
          this.#contradict(`not available after all faults ended: ${error instanceof ShoalError ? error.code : String(error)}`);
          throw error;
        }
        await this.#world.pause(2_000);
      }
    }
  }

  /** Errors that tell of an outage; anything else is a bug. */
  #expectOperatingError(error: unknown): void {
    const isExpected = error instanceof ShoalError && error.retryable && error.code !== 'internal';
    if (!isExpected) this.#contradict(`unexpected error: ${error instanceof ShoalError ? error.code : String(error)}`);
  }

  /** The order of what clients send and hear, finer than the world's time. */
  #nextMoment(): number {
    this.#moment += 1;
    return this.#moment;
  }

  #historyOf(key: string): KeyHistory {
    const history = this.#keys.get(key) ?? new KeyHistory();
    this.#keys.set(key, history);
    return history;
  }

  #contradict(what: string): void {
    this.#contradictions.push(`${this.#world.nowMs()}: ${what}`);
  }

  #note(what: string): void {
    this.#history.update(`${this.#world.nowMs()} ${what}\n`);
  }
}

/** Runs one seed. Never throws for what the cluster does: that is in the result. */
export async function simulate(seed: number, planted?: PlantedFault): Promise<SimResult> {
  const run = new SimRun(seed, planted);
  return run.run();
}
