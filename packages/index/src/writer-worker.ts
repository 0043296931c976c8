// The writer thread: the only one that changes indexes, allocates or grows the memory. Groups of one index are applied in the order
// they came; indexes take turns, a slice each, so that a large group of one does not hold up the others.

import assert from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { instantiateKernel } from '@shoal/kernel';
import type { Address, WasmMemory, WasmModule } from '@shoal/kernel';
import { EngineMemoryFullError, IndexFileError } from './errors.ts';
import { GroupApplication } from './group-application.ts';
import type { WriterContext } from './group-application.ts';
import { exportIndex } from './index-export.ts';
import { importIndex } from './index-import.ts';
import { SLICE_OPS } from './limits.ts';
import { MemoryViews } from './memory-views.ts';
import type { WriterAnswer, WriterRequest } from './writer-messages.ts';

export interface WriterWorkerData {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly scratch: Address;
  readonly staging: Address;
}

type Apply = Extract<WriterRequest, { type: 'apply' }>;

/** The groups waiting for one index, and the one being applied. */
interface IndexQueue {
  readonly waiting: Apply[];
  running: { readonly job: number; readonly application: GroupApplication } | undefined;
}

class Writer {
  readonly #context: WriterContext;
  readonly #port: MessagePort;
  readonly #exports = new Map<number, AbortController>();
  readonly #queues = new Map<Address, IndexQueue>();
  #turning = false;

  constructor(context: WriterContext, port: MessagePort) {
    this.#context = context;
    this.#port = port;
  }

  take(request: WriterRequest): void {
    const { kernel } = this.#context;
    switch (request.type) {
      case 'create': {
        const index = kernel.createIndex(...request.parameters) >>> 0;
        this.#answer(index === 0 ? { type: 'memoryFull', job: request.job } : { type: 'done', job: request.job, value: index });
        return;
      }
      case 'apply':
        this.#enqueue(request);
        return;
      case 'export':
        void this.#export(request);
        return;
      case 'cancelExport':
        this.#exports.get(request.job)?.abort();
        return;
      case 'import':
        void this.#answerFile(request.job, importIndex(this.#context, request.parameters, request.path));
        return;
      case 'rebase':
        kernel.rebase(request.index);
        this.#answer({ type: 'done', job: request.job, value: 0 });
        return;
      case 'drop':
        assert(!this.#queues.has(request.index), 'an index is dropped after its groups');
        kernel.dropIndex(request.index);
        this.#answer({ type: 'done', job: request.job, value: 0 });
        return;
      case 'close':
        this.#answer({ type: 'done', job: request.job, value: 0 });
        this.#port.close();
        return;
      default:
        request satisfies never;
    }
  }

  async #export({ job, index, parameters, path }: WriterRequest & { type: 'export' }): Promise<void> {
    const cancel = new AbortController();
    this.#exports.set(job, cancel);
    await this.#answerFile(job, exportIndex(this.#context, index, parameters, path, cancel.signal));
    this.#exports.delete(job);
  }

  /** Files are read and written between the slices of other work. A bug in the kernel's part of it ends the thread, like any other. */
  async #answerFile(job: number, work: Promise<number>): Promise<void> {
    try {
      this.#answer({ type: 'done', job, value: await work });
    } catch (error) {
      if (error instanceof EngineMemoryFullError) this.#answer({ type: 'memoryFull', job });
      else if (error instanceof IndexFileError) this.#answer({ type: 'unusable', job, reason: error.reason });
      else if (error instanceof Error && ('syscall' in error || error.name === 'AbortError')) this.#answer({ type: 'failed', job, message: error.message, systemCode: String('code' in error ? error.code : '') });
      else throw error;
    }
  }

  #answer(answer: WriterAnswer): void {
    this.#port.postMessage(answer);
  }

  #enqueue(request: Apply): void {
    let queue = this.#queues.get(request.index);
    if (queue === undefined) {
      queue = { waiting: [], running: undefined };
      this.#queues.set(request.index, queue);
    }
    queue.waiting.push(request);
    if (!this.#turning) this.#turn();
  }

  /** One slice for the index whose turn it is; the next slice runs after messages were taken in. */
  #turn(): void {
    const next = this.#queues.entries().next();
    this.#turning = next.done !== true;
    if (next.done === true) return;
    const [index, queue] = next.value;
    this.#queues.delete(index);
    this.#slice(queue);
    if (queue.running !== undefined || queue.waiting.length > 0) this.#queues.set(index, queue);
    if (this.#queues.size > 0) setImmediate(() => { this.#turn(); });
    else this.#turning = false;
  }

  /** Spends up to SLICE_OPS operations on the queue's groups. */
  #slice(queue: IndexQueue): void {
    queue.running ??= this.#begin(queue);
    if (queue.running === undefined) return;
    if (!queue.running.application.step(SLICE_OPS)) return;
    this.#answer({ type: 'done', job: queue.running.job, value: 0 });
    queue.running = undefined;
  }

  #begin(queue: IndexQueue): IndexQueue['running'] {
    const request = queue.waiting.shift();
    if (request === undefined) return undefined;
    const { job } = request;
    const application = new GroupApplication(this.#context, request.index, request.dim, request.group);
    try {
      if (application.begin()) return { job, application };
      this.#answer({ type: 'memoryFull', job });
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      this.#answer({ type: 'refused', job, reason: error.message });
    }
    return undefined;
  }
}

function serve(data: WriterWorkerData): void {
  const port = parentPort;
  assert(port !== null, 'runs as a worker thread');
  const writer = new Writer({
    kernel: instantiateKernel(data.module, data.memory), views: new MemoryViews(data.memory), scratch: data.scratch, staging: data.staging,
  }, port);
  port.on('message', (request: WriterRequest) => { writer.take(request); });
}

serve(workerData as WriterWorkerData);
