import type { MutationLog } from '@shoal/bus';
import { withDeadline, type Clock, type Timers } from '@shoal/pacing';
import {
  ShoalError, encodeMutation, encodedOperationBytes,
  type AwaitAppliedAnswer, type MutationAddress, type OperationId, type Sequence, type VectorKey, type VectorOperation,
} from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { AppliedWait } from './applied-wait.ts';

export interface JointMessagesDependencies {
  readonly log: MutationLog;
  readonly appliedWait: AppliedWait;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newOperationId: () => OperationId;
}

/** What one write changes in one partition. */
export interface Share {
  readonly address: MutationAddress;
  readonly dim: number;
  /** At least one; what `mayShare` allows. */
  readonly operations: readonly VectorOperation[];
  /** Whether its caller waits until it is applied. */
  readonly awaited: boolean;
}

/** A share that is in the log. */
export interface LoggedShare {
  readonly sequence: Sequence;
  /** What became of its operations, as far as the shard remembers. Rejects as AppliedWait, at the deadline of the share at the latest. */
  answer(): Promise<Pick<AwaitAppliedAnswer, 'outcomes'>>;
}

interface Member {
  readonly operations: readonly VectorOperation[];
  readonly awaited: boolean;
  readonly deadlineMs: number;
  readonly logged: PromiseWithResolvers<LoggedShare>;
  readonly cancelTimer: () => void;
  /** True when its caller was told already that the log did not confirm it in time. */
  abandoned: boolean;
}

/** A message that still takes members. */
class Gathering {
  readonly members: Member[] = [];
  readonly #keys = new Set<VectorKey>();
  #bytes = 0;
  #operationCount = 0;

  /** Whether the message is better with the share: it has room and not enough yet, and no other member names a key of it. */
  takes({ operations, dim }: Share): boolean {
    if (this.#operationCount >= GATEWAY_LIMITS.jointEnoughOperations) return false;
    if (this.#operationCount + operations.length > GATEWAY_LIMITS.jointOperations || this.#bytes + bytesOf(operations, dim) > GATEWAY_LIMITS.jointBytes) return false;
    return operations.every(({ key }) => !this.#keys.has(key));
  }

  add({ operations, dim }: Share, member: Member): void {
    this.members.push(member);
    this.#operationCount += operations.length;
    this.#bytes += bytesOf(operations, dim);
    for (const { key } of operations) this.#keys.add(key);
  }
}

interface Lane {
  readonly address: MutationAddress;
  readonly dim: number;
  gathering: Gathering;
  /** Messages on their way to be durable. */
  underWay: number;
  /** Messages that are durable, and of which some caller waits until they are applied. */
  unapplied: number;
  /** Ends the time that what gathers may wait for those. */
  cancelWait: (() => void) | undefined;
}

const bytesOf = (operations: readonly VectorOperation[], dim: number): number => operations.reduce((sum, operation) => sum + encodedOperationBytes(operation, dim, 2), 0);

/** Whether operations may share a message with those of other writes: new vectors alone, few and small. */
export function mayShare(operations: readonly VectorOperation[], dim: number): boolean {
  return operations.length <= GATEWAY_LIMITS.jointOperations / 4
    && operations.every(({ type }) => type === 'upsert' || type === 'insert')
    && bytesOf(operations, dim) <= GATEWAY_LIMITS.jointBytes / 4;
}

/**
 * Messages of the log that hold small writes of several callers: while a message of a partition is on its way to be durable, or two are waiting to be
 * applied, further writes to the partition gather, and leave together as its next one (docs/adr/0023). Broker, gateway and shard spend far more on a
 * message than on a vector in it.
 *
 * Invariants:
 * 1. The operations of a share are in one message, side by side and in order; shares are in the order in which they came.
 * 2. No two shares of a message name the same key, so that the sequence of a vector belongs to one write.
 * 3. A message holds new vectors only: one that finds no memory is left out whole, and no delete may be left out with it.
 * 4. Every caller has its own deadline. A share whose caller gave up before the message left is not in it.
 * 5. A message that has enough leaves when more comes, so that at most one per partition gathers: callers that came at once, all in one message, would all
 *    wait for the last vector of it, and nothing would be on its way meanwhile.
 * 6. For messages to be applied only writes wait whose callers do so too, for GATEWAY_LIMITS.jointWaitMs at most: the log takes writes while shards are away.
 */
export class JointMessages {
  readonly #dependencies: JointMessagesDependencies;
  readonly #lanes = new Map<string, Lane>();

  constructor(dependencies: JointMessagesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves when the log has the share. Rejects with what the log says, and with `log_unavailable` at the deadline. */
  join(share: Share, deadlineMs: number): Promise<LoggedShare> {
    const lane = this.#laneOf(share);
    if (!lane.gathering.takes(share)) this.#send(lane);
    const member = this.#memberOf(share, deadlineMs);
    lane.gathering.add(share, member);
    this.#look(lane);
    return member.logged.promise;
  }

  /** Sends what has gathered if it need not wait any longer. */
  #look(lane: Lane): void {
    if (lane.underWay > 0) return;
    const { members } = lane.gathering;
    if (members.length === 0) {
      if (lane.unapplied === 0) this.#lanes.delete(nameOf(lane.address));
    } else if (lane.unapplied < GATEWAY_LIMITS.jointUnapplied || members.some(({ awaited }) => !awaited)) {
      this.#send(lane);
    } else {
      lane.cancelWait ??= this.#dependencies.timers.after(GATEWAY_LIMITS.jointWaitMs, () => this.#send(lane));
    }
  }

  #laneOf({ address, dim }: Share): Lane {
    const name = nameOf(address);
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane: Lane = { address, dim, gathering: new Gathering(), underWay: 0, unapplied: 0, cancelWait: undefined };
    this.#lanes.set(name, lane);
    return lane;
  }

  #memberOf({ operations, awaited }: Share, deadlineMs: number): Member {
    const { clock, timers } = this.#dependencies;
    const timeoutMs = Math.max(1, deadlineMs - clock.nowMs());
    const logged = Promise.withResolvers<LoggedShare>();
    const cancelTimer = timers.after(timeoutMs, () => {
      member.abandoned = true;
      logged.reject(new ShoalError('log_unavailable', `The log did not confirm the write within ${Math.round(timeoutMs)} ms; it may still take it.`));
    });
    const member: Member = { operations, awaited, deadlineMs, logged, cancelTimer, abandoned: false };
    return member;
  }

  /** Sends what has gathered; further shares gather anew. */
  #send(lane: Lane): void {
    const members = lane.gathering.members.filter(({ abandoned }) => !abandoned);
    lane.gathering = new Gathering();
    lane.cancelWait?.();
    lane.cancelWait = undefined;
    if (members.length === 0) return this.#look(lane);
    lane.underWay += 1;
    void this.#publish(lane, members).finally(() => {
      lane.underWay -= 1;
      this.#look(lane);
    });
  }

  /** Never rejects. */
  async #publish(lane: Lane, members: readonly Member[]): Promise<void> {
    const { address, dim } = lane;
    const { log, clock, newOperationId } = this.#dependencies;
    const lastMs = members.reduce((last, { deadlineMs }) => Math.max(last, deadlineMs), 0);
    const operationId = newOperationId();
    const { code, partition } = address;
    const mutation = { type: 'write', operationId, code, partition, dim, operations: members.flatMap(({ operations }) => operations) } as const;
    try {
      const [sequence] = await log.publish([{ address, operationId, bytes: encodeMutation(mutation) }], { timeoutMs: Math.max(1, lastMs - clock.nowMs()) });
      this.#tell(lane, members, sequence ?? (0 as Sequence), lastMs);
    } catch (error) {
      for (const { logged } of members) logged.reject(error);
    }
    for (const { cancelTimer } of members) cancelTimer();
  }

  /** The shard is asked once what became of the message, for as long as the most patient of its callers waits. */
  #tell(lane: Lane, members: readonly Member[], sequence: Sequence, lastMs: number): void {
    const { appliedWait, clock, timers } = this.#dependencies;
    const { slot } = lane.address;
    let asked: Promise<AwaitAppliedAnswer | undefined> | undefined;
    const ask = (): Promise<AwaitAppliedAnswer | undefined> => (asked ??= appliedWait.wait(slot, [sequence], lastMs).then(([told]) => told));
    if (members.some(({ awaited }) => awaited)) this.#follow(lane, ask());
    let first = 0;
    for (const { operations, deadlineMs, logged } of members) {
      const from = first;
      first += operations.length;
      const answer = async (): Promise<Pick<AwaitAppliedAnswer, 'outcomes'>> => {
        const told = await withDeadline(ask(), deadlineMs - clock.nowMs(), timers, () => new ShoalError('receipt_timeout', `Slot ${slot} did not apply the write before the deadline.`));
        return told?.outcomes === undefined ? {} : { outcomes: told.outcomes.slice(from, from + operations.length) };
      };
      logged.resolve({ sequence, answer });
    }
  }

  /** Counts a message as unapplied until it is known what became of it, or nobody waits for that any more. */
  #follow(lane: Lane, applied: Promise<unknown>): void {
    lane.unapplied += 1;
    const settle = (): void => {
      lane.unapplied -= 1;
      this.#look(lane);
    };
    applied.then(settle, settle);
  }
}

const nameOf = ({ code, partition }: MutationAddress): string => `${code}.${partition}`;
