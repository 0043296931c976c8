import assert from 'node:assert';
import type { Worker } from 'node:worker_threads';
import type { Address } from '@shoal/kernel';
import { EngineMemoryFullError, EngineOverloadedError, IndexFileError, IndexFileFailedError } from './errors.ts';
import type { EngineFailedError } from './errors.ts';
import type { Group } from './group.ts';
import type { IndexSpec } from './index-spec.ts';
import { createParameters } from './kernel-parameters.ts';
import { GROUP_BYTES_IN_FLIGHT_MAX, GROUPS_IN_FLIGHT_MAX } from './limits.ts';
import { startWorker, watchWorker } from './worker-thread.ts';
import type { WriterAnswer, WriterRequest } from './writer-messages.ts';
import type { WriterWorkerData } from './writer-worker.ts';

/** A group that waits until groups before it leave room. */
interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
  readonly reject: (error: Error) => void;
}

interface Job {
  readonly resolve: (value: number) => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's side of the writer. */
export class WriterThread {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  readonly #exited: Promise<void>;
  readonly #waiting: Waiting[] = [];
  #nextJob = 0;
  #bytesInFlight = 0;
  #closing = false;
  #failure: Error | undefined;

  constructor(data: WriterWorkerData, onDeath: (error: EngineFailedError) => void) {
    this.#worker = startWorker('writer-worker', data);
    this.#worker.on('message', (answer: WriterAnswer) => { this.#settle(answer); });
    this.#exited = new Promise((resolve) => { this.#worker.once('exit', () => { resolve(); }); });
    watchWorker(this.#worker, () => this.#closing, onDeath);
  }

  create(spec: IndexSpec): Promise<Address> {
    return this.#send((job) => ({ type: 'create', job, parameters: createParameters(spec) }), []);
  }

  /** A new index from a file. Rejects with IndexFileError, EngineMemoryFullError, or IndexFileFailedError. */
  import(spec: IndexSpec, path: string): Promise<Address> {
    return this.#send((job) => ({ type: 'import', job, parameters: createParameters(spec), path }), []);
  }

  /** Writes an index to a file between other work; resolves with its bytes, rejects with IndexFileFailedError, also when the signal aborts. */
  export(index: Address, spec: IndexSpec, path: string, signal: AbortSignal): Promise<number> {
    return this.#send((job) => {
      signal.addEventListener('abort', () => {
        if (this.#jobs.has(job)) this.#worker.postMessage({ type: 'cancelExport', job } satisfies WriterRequest);
      }, { once: true });
      return { type: 'export', job, index, parameters: createParameters(spec), path };
    }, []);
  }

  /**
   * Applies a group after those of the same index sent before. It is encoded, and its arrays move away, when the groups under way
   * leave room for it; groups enter in the order of the calls.
   */
  async apply(index: Address, dim: number, vectorBytes: number, encode: () => Group): Promise<void> {
    if (!this.#hasRoom(vectorBytes) || this.#waiting.length > 0) await this.#room(vectorBytes);
    else this.#bytesInFlight += vectorBytes;
    try {
      const group = encode();
      await this.#send((job) => ({ type: 'apply', job, index, dim, group }), [group.ops.buffer, group.vectors.buffer]);
    } finally {
      this.#bytesInFlight -= vectorBytes;
      this.#letIn();
    }
  }

  /** A single group may be larger than the limit. */
  #hasRoom(bytes: number): boolean {
    return this.#bytesInFlight === 0 || this.#bytesInFlight + bytes <= GROUP_BYTES_IN_FLIGHT_MAX;
  }

  #room(bytes: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting.length >= GROUPS_IN_FLIGHT_MAX) return Promise.reject(new EngineOverloadedError('groups'));
    return new Promise((resolve, reject) => { this.#waiting.push({ bytes, enter: resolve, reject }); });
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytesInFlight += next.bytes;
      next.enter();
    }
  }

  async rebase(index: Address): Promise<void> {
    await this.#send((job) => ({ type: 'rebase', job, index }), []);
  }

  async drop(index: Address): Promise<void> {
    await this.#send((job) => ({ type: 'drop', job, index }), []);
  }

  #send(request: (job: number) => WriterRequest, transfer: ArrayBuffer[]): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#jobs.size >= GROUPS_IN_FLIGHT_MAX) return Promise.reject(new EngineOverloadedError('groups'));
    const job = this.#nextJob++;
    return new Promise((resolve, reject) => {
      this.#jobs.set(job, { resolve, reject });
      this.#worker.postMessage(request(job), transfer);
    });
  }

  #settle(answer: WriterAnswer): void {
    const job = this.#jobs.get(answer.job);
    if (job === undefined) return;
    this.#jobs.delete(answer.job);
    switch (answer.type) {
      case 'done': job.resolve(answer.value); return;
      case 'unusable': job.reject(new IndexFileError(answer.reason)); return;
      case 'failed': job.reject(new IndexFileFailedError(answer.message, answer.systemCode)); return;
      case 'memoryFull': job.reject(new EngineMemoryFullError()); return;
      case 'refused': job.reject(new assert.AssertionError({ message: answer.reason })); return;
      default: answer satisfies never;
    }
  }

  /** Rejects every job under way and every later one. */
  fail(error: Error): void {
    this.#failure = error;
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
    for (const group of this.#waiting.splice(0)) group.reject(error);
  }

  /** Ends the thread; its jobs must have settled. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#failure === undefined) await this.#send((job) => ({ type: 'close', job }), []);
    else await this.#worker.terminate();
    await this.#exited;
  }
}
