import type { Bus } from '@shoal/bus';
import { ShoalError, decodeQueryRequest, encodeQueryResponse, type Sequence, type ShardId, type Slot, type SlotContent, type SlotStatus } from '@shoal/protocol';
import { SlotMachine, answerQuery, type ActivePartition, type SlotMachineOptions, type SlotState } from '@shoal/shard-core';
import { DIGEST_VERSION, digestText } from '@shoal/store';
import type { Logger } from 'pino';
import { SHARD_LIMITS } from './limits.ts';
import type { PeerProgress } from './peer-progress.ts';
import type { SlotMeter } from './slot-meter.ts';
import { SlotServing } from './slot-serving.ts';
import type { SlotCheckpoints } from './slot-checkpoints.ts';
import type { SlotSnapshots } from './slot-snapshots.ts';
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
  /** Called when the slot becomes ready or stops being so. */
  readonly onChange: () => void;
  /** Called when no slot of this shard can apply any more. */
  readonly onStoreFailure: (error: Error) => void;
}

function contentOf(state: SlotState): SlotContent {
  const marks = state.marks.list().map(({ sequence, digest }) => ({ sequence, digest: digestText(digest) }));
  return { version: DIGEST_VERSION, digest: digestText(state.digest), marks, rebuildCount: 0 };
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
 * Invariant: queries are served only by a machine that has applied everything the log held when it was recovered.
 */
export class SlotWorker {
  readonly slot: Slot;
  readonly #options: SlotWorkerOptions;
  #machine: SlotMachine | undefined;
  #serving: SlotServing | undefined;
  #keeping: Promise<unknown> | undefined;
  #pendingCount: number | undefined;
  /** Ends what accompanies the present life. */
  #ended = new AbortController();

  constructor(options: SlotWorkerOptions) {
    this.slot = options.slot;
    this.#options = options;
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
    return {
      slot: this.slot,
      ready: this.#serving !== undefined,
      ...(this.#serving?.lagging === true ? { lagging: true as const } : {}),
      appliedSequence: state?.appliedSequence ?? (0 as Sequence),
      setAsideCount: state?.setAsideCount ?? 0,
      embeddingCount,
      vectorCount,
      ...(state === undefined ? {} : { content: contentOf(state) }),
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
      } catch (error) {
        if (!signal.aborted) {
          this.#options.logger.error({ err: error, slot: this.slot, pauseMs }, 'slot failed; it will be recovered');
        }
        failure = error;
      } finally {
        await this.#end(signal.aborted && !(signal.reason instanceof SlotGivenUp));
      }
      if (!signal.aborted) await this.#mend(failure);
      if (signal.aborted) return;
      await pause(this.#options.timers, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, SHARD_LIMITS.recoverPauseMaxMs);
    }
  }

  /** What can be done about a failure before the slot is recovered. No machine runs. */
  async #mend(failure: unknown): Promise<void> {
    if (!(failure instanceof ShoalError)) return;
    if (failure.code === 'store_unwritable') this.#options.onStoreFailure(failure);
    if (failure.code !== 'store_corrupt') return;
    try {
      await this.#options.snapshots.giveUpRows();
    } catch (error) {
      this.#options.logger.error({ err: error, slot: this.slot }, 'the damaged rows of the slot cannot be removed');
    }
  }

  async #live(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { bus, snapshots } = this.#options;
    await snapshots.prepare(signal);
    const machine = await SlotMachine.recover(this.#options, signal);
    this.#machine = machine;
    const target = await bus.log.lastSequence(this.slot);
    if (target < machine.appliedSequence) {
      throw new ShoalError(
        'log_incompatible',
        `Slot ${this.slot} has applied sequence ${machine.appliedSequence}, but the log ends at ${target}: the log lost data or is another one. The slot does not answer.`,
      );
    }
    await this.#requireSameLog(machine, signal);
    const ended = AbortSignal.any([signal, this.#ended.signal]);
    this.#keeping = Promise.all([snapshots.keep(ended), this.#options.slotCheckpoints?.keep(machine, ended)]);
    this.#pendingCount = machine.appliedSequence >= target ? 0 : undefined;
    if (machine.appliedSequence >= target) await this.#serve(machine, onReady);
    const from = (machine.appliedSequence + 1) as Sequence;
    const { groupMessages, groupBytes } = SHARD_LIMITS;
    for await (const group of bus.log.read({ slot: this.slot, from, signal, maxMessages: groupMessages, maxBytes: groupBytes })) {
      const setAsideBefore = machine.state.setAsideCount;
      await machine.apply(group);
      snapshots.noteApplied(group);
      this.#options.meter?.applied(machine, group, this.#serving !== undefined);
      this.#pendingCount = group.at(-1)?.pendingCount;
      if (machine.state.setAsideCount > setAsideBefore) {
        this.#options.logger.warn({ slot: this.slot, sequence: machine.appliedSequence, setAsideCount: machine.state.setAsideCount }, 'messages that cannot apply were set aside');
      }
      if (this.#serving === undefined && machine.appliedSequence >= target) await this.#serve(machine, onReady);
    }
  }

  /** Another log may have grown longer than the one that was applied: going on with it would skip its beginning in silence. */
  async #requireSameLog(machine: SlotMachine, signal: AbortSignal): Promise<void> {
    const from = machine.appliedSequence;
    if (from === 0) return;
    for await (const [message] of this.#options.bus.log.read({ slot: this.slot, from, signal, maxMessages: 1, maxBytes: 1 })) {
      if (message !== undefined && machine.isLastApplied(message)) return;
      throw new ShoalError(
        'log_incompatible',
        `Slot ${this.slot} has applied sequence ${from}, and the log holds another message there: it is not the log that was applied. The slot does not answer.`,
      );
    }
    // The reading ends without a message only when it is told to.
    signal.throwIfAborted();
  }

  async #serve(machine: SlotMachine, onReady: () => void): Promise<void> {
    const { bus, shard } = this.#options;
    this.#serving = await SlotServing.open({
      requests: bus.requests, slot: this.slot, shard,
      handler: async (payload) => encodeQueryResponse(await answerQuery(machine, decodeQueryRequest(payload), this.#options.meter?.aroundSearches())),
    });
    onReady();
    this.#options.onChange();
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
