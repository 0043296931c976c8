import type { Bus, LogMessage } from '@shoal/bus';
import { ShoalError, decodeQueryRequest, encodeQueryResponse, type ContentVerification, type EmbeddingCode, type ReplicaContent, type Sequence, type ShardId, type Slot, type SlotContent, type SlotStatus } from '@shoal/protocol';
import { SlotMachine, answerQuery, type ActivePartition, type SlotMachineOptions, type SlotState } from '@shoal/shard-core';
import { DIGEST_VERSION, asDamage, digestText, isDamage } from '@shoal/store';
import type { Logger } from 'pino';
import { SHARD_LIMITS } from './limits.ts';
import type { CatchingUp } from './catching-up.ts';
import { LogWatch } from './log-watch.ts';
import { requireSameLog } from './same-log.ts';
import { MemoryShortages } from './memory-shortages.ts';
import type { PeerProgress } from './peer-progress.ts';
import { SlotAgreement } from './slot-agreement.ts';
import type { SlotMeter } from './slot-meter.ts';
import { SlotServing } from './slot-serving.ts';
import type { SlotCheckpoints } from './slot-checkpoints.ts';
import type { SlotSnapshots } from './slot-snapshots.ts';
import { appliedSpans, servedSpan, tracedSearches } from './traced-answers.ts';
import { withinSpan, type Tracing } from '@shoal/telemetry';
import { pause } from '@shoal/pacing';

export interface SlotWorkerOptions extends SlotMachineOptions {
  readonly shard: ShardId;
  readonly bus: Bus;
  /** How far the other replicas of the slot are. */
  readonly peers: PeerProgress;
  readonly logger: Logger;
  readonly snapshots: SlotSnapshots;
  /** Without it indexes are not written to files. */
  readonly slotCheckpoints?: SlotCheckpoints;
  /** Measures the slot; nothing is measured without it. */
  readonly meter?: SlotMeter;
  readonly nowMs: () => number;
  /** Traces what the slot is asked; nothing is traced without it. */
  readonly tracing?: Tracing;
  /** How a slot that catches up leaves room to those that serve; without it nothing is left. */
  readonly catchingUp?: CatchingUp;
  /** Called when the slot becomes ready or stops being so. */
  readonly onChange: () => void;
  /** Called when no slot of this shard can apply any more. */
  readonly onStoreFailure: (error: Error) => void;
}

function contentOf(state: SlotState, verified: ContentVerification | undefined, rebuildCount: number): SlotContent {
  const marks = state.marks.list().map(({ sequence, digest }) => ({ sequence, digest: digestText(digest) }));
  return { version: DIGEST_VERSION, digest: digestText(state.digest), marks, ...(verified === undefined ? {} : { verified }), rebuildCount };
}

/** Why a worker ends whose slot goes to other shards: nothing of it is worth keeping. */
export class SlotGivenUp extends Error {}

/**
 * Owns one slot for as long as the shard runs: recover from the store, replay the log, serve; after a failure from the start.
 *
 *   recovering -> replaying -> serving -+-> (closed)
 *        ^                              |
 *        +-------- failed, pause <------+
 *
 * Invariants:
 * 1. Queries are served only by a machine that has applied everything the log held when it was recovered.
 * 2. One that other replicas are ahead of says so from its first answer on.
 */
export class SlotWorker {
  readonly slot: Slot;
  readonly #options: SlotWorkerOptions;
  #machine: SlotMachine | undefined;
  #serving: SlotServing | undefined;
  #keeping: Promise<unknown> | undefined;
  #pendingCount: number | undefined;
  /** As far as it was told. */
  #setAsideCount = 0;
  /** Ends what accompanies the present life. */
  #ended = new AbortController();
  /** Why the present life is to end though log, store and engine go on. */
  #fault: { readonly error: unknown; readonly trustedUpTo: Sequence | undefined } | undefined;
  readonly #agreement: SlotAgreement;
  readonly #shortages: MemoryShortages;
  #verification: ContentVerification | undefined;
  #verificationCount = 0;

  constructor(options: SlotWorkerOptions) {
    this.slot = options.slot;
    this.#options = options;
    this.#agreement = new SlotAgreement(options.slot, options.shard);
    this.#shortages = new MemoryShortages((code) => ({
      usedBytes: options.engine.stats().usedBytes,
      vectorCount: this.partitions().reduce((sum, { ref, vectorCount }) => sum + (ref.code === code ? vectorCount : 0), 0),
    }), options.nowMs);
  }

  get isServing(): boolean {
    return this.#serving !== undefined;
  }

  /** Names the time between a recovery and the next failure; undefined while there is nothing to be compared. */
  get life(): object | undefined {
    return this.#machine;
  }

  /** All rows were read in this life and gave their digest. */
  verified(life: object, sequence: Sequence): void {
    if (life !== this.#machine) return;
    this.#verificationCount += 1;
    this.#verification = { count: this.#verificationCount, sequence };
    this.#agreement.verified();
  }

  /** Some row that was read in this life is not what was written. */
  failVerification(life: object, error: unknown): void {
    if (life === this.#machine) this.#stop(error, undefined);
  }

  /** Compares the slot with the other replicas; resolves with whether its own rows should be read again at once. */
  async compare(others: readonly ReplicaContent[]): Promise<boolean> {
    const life = this.#machine;
    if (life === undefined || others.length === 0) return false;
    const { appliedSequence, content } = this.status();
    if (content === undefined) return false;
    const step = this.#agreement.look({ shard: this.#options.shard, appliedSequence, content }, others);
    this.#options.snapshots.hold(step.type !== 'go-on');
    switch (step.type) {
      case 'go-on':
        return false;
      case 'dispute':
        if (step.begins) this.#options.logger.error({ err: step.error, slot: this.slot }, 'replicas of the slot differ');
        return step.begins;
      case 'rebuild':
        if ((await this.#options.snapshots.canBeginAgain(step.trustedUpTo)) && life === this.#machine) this.#stop(step.error, step.trustedUpTo);
        return false;
    }
  }

  #stop(error: unknown, trustedUpTo: Sequence | undefined): void {
    this.#fault ??= { error, trustedUpTo };
    this.#ended.abort();
  }

  /** What the slot holds. */
  partitions(): readonly ActivePartition[] {
    return [...(this.#machine?.state.partitions.values() ?? [])].filter((partition): partition is ActivePartition => partition.state === 'active');
  }

  status(): SlotStatus {
    const state = this.#machine?.state;
    let embeddingCount = 0;
    let vectorCount = 0;
    for (const partition of state?.partitions.values() ?? []) {
      if (partition.state !== 'active') continue;
      embeddingCount += 1;
      vectorCount += partition.vectorCount;
    }
    const withoutMemory = this.#shortages.codes();
    return {
      slot: this.slot,
      ready: this.#serving !== undefined,
      ...(this.#serving?.lagging === true ? { lagging: true as const } : {}),
      appliedSequence: state?.appliedSequence ?? (0 as Sequence),
      setAsideCount: state?.setAsideCount ?? 0,
      embeddingCount,
      vectorCount,
      ...(withoutMemory.length === 0 ? {} : { withoutMemory }),
      ...(state === undefined ? {} : { content: contentOf(state, this.#verification, this.#agreement.rebuildCount) }),
      ...(this.#pendingCount === undefined ? {} : { pendingCount: this.#pendingCount }),
    };
  }

  /** Leaves the group of replicas that answer when others are ahead, and joins it again when they no longer are. */
  keepPace(): void {
    const serving = this.#serving;
    const machine = this.#machine;
    if (serving === undefined || machine === undefined) return;
    const lagging = this.#options.peers.isLagging(this.slot, machine.appliedSequence, serving.lagging);
    if (lagging === serving.lagging) return;
    this.#options.logger.info({ slot: this.slot, lagging }, lagging ? 'slot lags behind another replica and leaves the group' : 'slot has caught up and joins the group again');
    serving.setLagging(lagging).catch((error: unknown) => {
      this.#options.logger.warn({ err: error, slot: this.slot }, 'the group of replicas could not be left or joined');
    });
  }

  /** Resolves when the signal aborted and everything is closed. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let pauseMs: number = SHARD_LIMITS.recoverPauseMs;
    while (!signal.aborted) {
      let failure: unknown;
      try {
        await this.#live(signal, () => {
          pauseMs = SHARD_LIMITS.recoverPauseMs;
        });
      } catch (cause) {
        const error = asDamage(cause);
        if (!signal.aborted) {
          this.#options.logger.error({ err: error, slot: this.slot, pauseMs }, 'slot failed; it will be recovered');
        }
        failure = error;
      } finally {
        await this.#end(signal.aborted && !(signal.reason instanceof SlotGivenUp));
      }
      if (!signal.aborted) await this.#mend(failure, signal);
      if (signal.aborted) return;
      await pause(this.#options.timers, Math.max(pauseMs, this.#rebuildPauseMs()), signal);
      pauseMs = Math.min(pauseMs * 2, SHARD_LIMITS.recoverPauseMaxMs);
    }
  }

  /** Rebuilding again and again would keep other slots waiting. */
  #rebuildPauseMs(): number {
    const { rebuildCount } = this.#agreement;
    return rebuildCount < 2 ? 0 : Math.min(SHARD_LIMITS.rebuildPauseMs * 2 ** (rebuildCount - 2), SHARD_LIMITS.rebuildPauseMaxMs);
  }

  /** What can be done about a failure before the slot is recovered. No machine runs. Rows that are not those that were written are given up. */
  async #mend(failure: unknown, signal: AbortSignal): Promise<void> {
    const trustedUpTo = this.#fault?.trustedUpTo;
    this.#fault = undefined;
    if (failure instanceof ShoalError && failure.code === 'store_unwritable') return this.#options.onStoreFailure(failure);
    if (!isDamage(failure)) return;
    while (!signal.aborted && !(await this.#giveUpRows(failure, trustedUpTo))) await pause(this.#options.timers, SHARD_LIMITS.recoverPauseMaxMs, signal);
  }

  /** Whether the rows were given up. Until then the slot does not answer, for it would answer wrongly. */
  async #giveUpRows(failure: unknown, trustedUpTo: Sequence | undefined): Promise<boolean> {
    const { snapshots, logger, onStoreFailure } = this.#options;
    try {
      const given = await snapshots.giveUpRows(trustedUpTo);
      if (given) this.#agreement.rebuilt();
      else logger.error({ err: failure, slot: this.slot }, 'the rows of the slot are damaged and neither snapshot nor log can bring them back; the slot does not answer until a snapshot can be read');
      return given;
    } catch (cause) {
      const error = asDamage(cause);
      logger.error({ err: error, slot: this.slot }, 'the damaged rows of the slot cannot be removed');
      // Where not even removing works, the files themselves are damaged.
      if (isDamage(error)) onStoreFailure(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  async #live(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { bus, snapshots } = this.#options;
    await snapshots.prepare(signal);
    const machine = await SlotMachine.recover({ ...this.#options, onNoMemory: ({ code }) => this.#isWithoutMemory(code) }, signal);
    this.#machine = machine;
    this.#setAsideCount = machine.state.setAsideCount;
    const target = await bus.log.lastSequence(this.slot);
    if (target < machine.appliedSequence) {
      throw new ShoalError(
        'log_incompatible',
        `Slot ${this.slot} has applied sequence ${machine.appliedSequence}, but the log ends at ${target}: the log lost data or is another one. The slot does not answer.`,
      );
    }
    await requireSameLog({ log: bus.log, slot: this.slot, machine, signal });
    const logWatch = new LogWatch({ log: bus.log, slot: this.slot, rememberedFrom: (sequence) => machine.rememberedFrom(sequence), timers: this.#options.timers });
    await logWatch.look();
    const ended = AbortSignal.any([signal, this.#ended.signal]);
    this.#keeping = Promise.all([snapshots.keep(ended), this.#options.slotCheckpoints?.keep(machine, ended), this.#watchLog(logWatch, ended)]);
    this.#pendingCount = machine.appliedSequence >= target ? 0 : undefined;
    if (machine.appliedSequence >= target) await this.#serve(machine, onReady);
    const from = (machine.appliedSequence + 1) as Sequence;
    const { groupMessages, groupBytes } = SHARD_LIMITS;
    for await (const group of bus.log.read({ slot: this.slot, from, signal: ended, maxMessages: groupMessages, maxBytes: groupBytes })) {
      if (this.#serving === undefined) await this.#catchUp(machine, group);
      else await this.#applyAhead(machine, group);
      if (this.#serving === undefined && machine.appliedSequence >= target) await this.#serve(machine, onReady);
    }
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  /** What is read again after a start was traced when it came. */
  async #catchUp(machine: SlotMachine, group: readonly LogMessage[]): Promise<void> {
    const { catchingUp } = this.#options;
    await (catchingUp === undefined ? machine.apply(group) : catchingUp.apply(machine, group));
    this.#noteApplied(machine, group);
  }

  /** Resolves when the next group may come; the rows of this one may still be on their way to the store. */
  async #applyAhead(machine: SlotMachine, group: readonly LogMessage[]): Promise<void> {
    const work = machine.applyAhead(group);
    const applied = withinSpan(appliedSpans(this.#options.tracing, this.slot, group), async () => (await work).applied);
    applied.then(() => this.#noteApplied(machine, group), (error: unknown) => this.#stop(error, undefined));
    await work;
  }

  #noteApplied(machine: SlotMachine, group: readonly LogMessage[]): void {
    const { snapshots, meter, logger } = this.#options;
    snapshots.noteApplied(group);
    meter?.applied(machine, group, this.#serving !== undefined);
    this.#pendingCount = group.at(-1)?.pendingCount;
    const { setAsideCount } = machine.state;
    if (setAsideCount > this.#setAsideCount) logger.warn({ slot: this.slot, sequence: machine.appliedSequence, setAsideCount }, 'messages that cannot apply were set aside');
    this.#setAsideCount = setAsideCount;
  }

  async #watchLog(watch: LogWatch, signal: AbortSignal): Promise<void> {
    const error = await watch.untilLost(signal);
    if (error !== undefined) this.#stop(error, undefined);
  }

  #isWithoutMemory(code: EmbeddingCode): void {
    this.#shortages.note(code);
    this.#options.onChange();
  }

  async #serve(machine: SlotMachine, onReady: () => void): Promise<void> {
    const { bus, shard, peers } = this.#options;
    this.#serving = await SlotServing.open({
      requests: bus.requests, slot: this.slot, shard,
      lagging: peers.isLagging(this.slot, machine.appliedSequence, true),
      handler: (payload, traceParent) => this.#answer(machine, payload, traceParent),
    });
    onReady();
    this.#options.onChange();
  }

  async #answer(machine: SlotMachine, payload: Uint8Array, traceParent: string | undefined): Promise<Uint8Array> {
    const { tracing, meter } = this.#options;
    const request = decodeQueryRequest(payload);
    const watch = meter?.watchSearches();
    const span = servedSpan(tracing, traceParent, this.slot, request);
    return withinSpan(span === undefined ? [] : [span], async () => {
      const response = await answerQuery(machine, request, span === undefined ? watch : tracedSearches(span, watch));
      // A damaged row was met: whoever asks again is answered by another replica, or when the slot was rebuilt.
      if (response.items.some((item) => !item.ok && item.error === 'store_corrupt')) this.failVerification(machine, new ShoalError('store_corrupt', `A query met a damaged row of slot ${this.slot}.`));
      return encodeQueryResponse(response);
    });
  }

  async #end(isLast: boolean): Promise<void> {
    const serving = this.#serving;
    const machine = this.#machine;
    this.#ended.abort();
    await this.#keeping;
    this.#keeping = undefined;
    this.#ended = new AbortController();
    this.#serving = undefined;
    this.#machine = undefined;
    this.#verification = undefined;
    try {
      // Requests that wait for a sequence would otherwise hold up the closing until their deadlines.
      machine?.stopWaiting();
      await serving?.close();
      if (isLast && machine !== undefined) await this.#options.slotCheckpoints?.last(machine);
      await machine?.close();
    } catch (error) {
      this.#options.logger.error({ err: error, slot: this.slot }, 'slot did not close cleanly');
    }
    this.#options.onChange();
  }
}
