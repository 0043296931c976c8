/**
 * Publishing into one stream by group commit: a group is one atomic batch, or plain publishes side by side when it has few entries,
 * each of another call. A server with one copy of a stream stages a batch in files of its own, which costs as much as a dozen plain
 * publishes; with three copies both cost the same.
 *
 * On the wire a batch is a run of messages with `Nats-Batch-Id` and `Nats-Batch-Sequence`, whose last carries
 * `Nats-Batch-Commit` and is answered once for all (NATS ADR-50). Only that answer is waited for: the server checks that
 * the run is complete.
 *
 * An attempt whose answer is lost is repeated. Every message carries its operation id as `Nats-Msg-Id`; a batch that was
 * stored after all is then refused as a duplicate, and its entries are published one by one, in order: the server answers
 * with the sequences under which it has them.
 */
import assert from 'node:assert/strict';
import { JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { headers, type Msg, type MsgHdrs, nuid } from '@nats-io/transport-node';
import { type Sequence, ShoalError, SUBJECTS } from '@shoal/protocol';
import { GroupCommit, type Pending } from '../group-commit.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { LogEntry } from '../mutation-log.ts';
import type { Connection } from './connection.ts';
import type { Names } from './names.ts';
import { TRACE_PARENT, traceHeaders } from './trace-header.ts';
import { pause } from '../pause.ts';
import { backoffMs } from './retry.ts';

type PendingEntry = Pending<LogEntry, Sequence>;

/** Numbers of JetStream errors (server/errors.json of nats-server). */
const BATCH_HAS_DUPLICATE_ID = 10_201;
const BATCH_HAS_UNSUPPORTED_HEADER = 10_177;
const STREAM_STORE_FAILED = 10_077;
const STORAGE_EXCEEDED = 10_047;
const INSUFFICIENT_RESOURCES = 10_023;

export class StreamPublisher {
  readonly #connection: Connection;
  readonly #js: JetStreamClient;
  readonly #names: Names;
  readonly #stopped = new AbortController();
  readonly #commits: GroupCommit<LogEntry, Sequence>;
  /** Servers before 2.12.1 refuse message ids inside batches; then repeated attempts may store an entry twice, which readers tolerate. */
  #idsInBatches = true;

  constructor(connection: Connection, js: JetStreamClient, names: Names) {
    this.#connection = connection;
    this.#js = js;
    this.#names = names;
    this.#commits = new GroupCommit({ ...BUS_LIMITS, commit: (group) => this.#commit(group) });
  }

  hasRoom(entries: readonly LogEntry[]): boolean {
    return this.#commits.hasRoom(entries.length, entries.reduce((sum, entry) => sum + entry.bytes.length, 0));
  }

  submit(entries: readonly LogEntry[], timeoutMs: number): Promise<readonly Sequence[]> {
    return this.#commits.submit(entries, (entry) => entry.bytes.length, timeoutMs);
  }

  /** Without a connection nothing can finish, so nothing is waited for. */
  async close(): Promise<void> {
    if (!this.#connection.connected) this.#stopped.abort();
    await this.#commits.close(this.#connection.connected ? BUS_LIMITS.closeMs : 0);
    this.#stopped.abort();
  }

  /** Tries until every entry is stored or abandoned by its caller. */
  async #commit(group: readonly PendingEntry[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const open = group.filter((pending) => !pending.resolved && !pending.abandoned);
      if (open.length === 0) return;
      try {
        if (this.#connection.closed || this.#stopped.signal.aborted) throw new ShoalError('not_ready', 'The log is closed.');
        if (this.#connection.connected) {
          await this.#attempt(open);
          return;
        }
        await this.#connection.untilConnected(BUS_LIMITS.retryMaxMs, this.#stopped.signal);
      } catch (error) {
        throwIfFinal(error);
        await pause(backoffMs(attempt), this.#stopped.signal);
      }
    }
  }

  async #attempt(entries: readonly PendingEntry[]): Promise<void> {
    if (entries.length <= BUS_LIMITS.plainEntries && entries.every(({ alone }) => alone)) return this.#publishEach(entries);
    try {
      await this.#publishBatch(entries);
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      if (error.code === BATCH_HAS_UNSUPPORTED_HEADER && this.#idsInBatches) {
        this.#idsInBatches = false;
        await this.#publishBatch(entries);
      } else if (error.code === BATCH_HAS_DUPLICATE_ID) {
        for (const pending of entries) await this.#publishOne(pending);
      } else {
        throw error;
      }
    }
  }

  /** Entries of different calls promise nothing of their order, so that one which has to be repeated may follow the others. */
  async #publishEach(entries: readonly PendingEntry[]): Promise<void> {
    const attempts = await Promise.allSettled(entries.map((pending) => this.#publishOne(pending)));
    for (const attempt of attempts) if (attempt.status === 'rejected') throw attempt.reason;
  }

  async #publishOne(pending: PendingEntry): Promise<void> {
    const { item } = pending;
    const options = { msgID: item.operationId, timeout: BUS_LIMITS.attemptMs, ...(item.traceParent === undefined ? {} : { headers: traceHeaders(item.traceParent) }) };
    const ack = await this.#connection.whileConnected(() => this.#js.publish(this.#subjectOf(item), item.bytes, options));
    pending.resolve(ack.seq as Sequence);
  }

  async #publishBatch(entries: readonly PendingEntry[]): Promise<void> {
    const batchId = nuid.next();
    const reply = await this.#connection.whileConnected(() => this.#sendBatch(batchId, entries));
    const ack = parseBatchAck(reply.json<unknown>());
    if (ack.count !== entries.length) throw new ShoalError('log_unavailable', `The broker stored ${ack.count} of ${entries.length} messages of a batch.`);
    // The messages of a batch are stored without a gap; the answer names the last.
    const first = ack.lastSequence - entries.length + 1;
    entries.forEach((pending, index) => pending.resolve((first + index) as Sequence));
  }

  /** Sends all without waiting in between; the answer to the last is that to the batch. */
  #sendBatch(batchId: string, entries: readonly PendingEntry[]): Promise<Msg> {
    const { nats } = this.#connection;
    const last = entries.length - 1;
    entries.slice(0, last).forEach(({ item }, index) => {
      nats.publish(this.#subjectOf(item), item.bytes, { headers: this.#batchHeaders(batchId, index + 1, item) });
    });
    const { item } = entries[last] ?? assert.fail('a batch has entries');
    const head = this.#batchHeaders(batchId, entries.length, item);
    head.set('Nats-Batch-Commit', '1');
    return nats.request(this.#subjectOf(item), item.bytes, { headers: head, timeout: BUS_LIMITS.attemptMs });
  }

  #batchHeaders(batchId: string, batchSequence: number, entry: LogEntry): MsgHdrs {
    const head = headers();
    head.set('Nats-Batch-Id', batchId);
    head.set('Nats-Batch-Sequence', String(batchSequence));
    if (this.#idsInBatches) head.set('Nats-Msg-Id', entry.operationId);
    if (entry.traceParent !== undefined) head.set(TRACE_PARENT, entry.traceParent);
    return head;
  }

  #subjectOf(entry: LogEntry): string {
    return this.#names.subject(SUBJECTS.mutation(entry.address));
  }
}

function parseBatchAck(answer: unknown): { readonly lastSequence: number; readonly count: number } {
  const ack = answer as { seq?: unknown; count?: unknown; error?: { code: number; err_code: number; description: string } };
  if (ack.error !== undefined) throw new JetStreamApiError(ack.error);
  if (typeof ack.seq !== 'number' || typeof ack.count !== 'number') throw new ShoalError('log_unavailable', 'The broker gave an answer that is not one to a batch.');
  return { lastSequence: ack.seq, count: ack.count };
}

/** Errors that trying again soon does not mend: the log is closed, or full. */
function throwIfFinal(error: unknown): void {
  if (error instanceof ShoalError && error.code === 'not_ready') throw error;
  if (!(error instanceof JetStreamApiError)) return;
  if (error.code === STREAM_STORE_FAILED || error.code === STORAGE_EXCEEDED || error.code === INSUFFICIENT_RESOURCES) {
    throw new ShoalError('log_unavailable', `The log cannot store more: ${error.message}.`, { cause: error });
  }
}
