import { randomBytes } from 'node:crypto';
import { LevelImportRecords } from '@shoal/jobs';
import { parseOperationId, type Problem } from '@shoal/protocol';
import { MemoryLevel } from 'memory-level';
import { pino, type Logger } from 'pino';
import type { Clock, Timers } from '@shoal/pacing';
import type { Gateway } from '../gateway.ts';
import type { ImportBackend } from '../imports/import-service.ts';
import { startGateway } from '../gateway.ts';
import { FlatShard } from './flat-shard.ts';
import { MemoryBus } from './memory-bus.ts';

export const ROOT_KEY = 'test-root-key';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON body, as whatever the caller expects it to be. */
  json<T = Problem>(): T;
}

export function newOperationId() {
  return parseOperationId(randomBytes(16).toString('hex'));
}

/** Imports that are taken and never run. */
function idleImports(): ImportBackend {
  const records = new LevelImportRecords(new MemoryLevel<string, string>());
  return { records, queue: { enqueue: async () => undefined, close: async () => undefined } };
}

export function startTestGateway(bus: MemoryBus, options: { readonly port?: number; readonly logger?: Logger; readonly timers?: Timers; readonly clock?: Clock } = {}): Promise<Gateway> {
  return startGateway(
    { host: '127.0.0.1', port: options.port ?? 0, rootKey: ROOT_KEY, slots: bus.log.slots, mode: 'embedded', version: '0.0.0-test' },
    { bus, imports: idleImports(), logger: options.logger ?? pino({ level: 'silent' }), clock: options.clock ?? { nowMs: Date.now }, newOperationId, ...(options.timers === undefined ? {} : { timers: options.timers }) },
  );
}

/** Calls a gateway with the root key. A body that is neither text nor bytes goes as JSON. */
export async function call(gateway: { readonly url: string }, method: string, path: string, body?: unknown, headers: { readonly [name: string]: string } = {}): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(gateway.url + path, {
    method,
    headers: { authorization: `Bearer ${ROOT_KEY}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T };
}

/** One gateway over a flat shard. */
export class GatewayFixture {
  readonly bus: MemoryBus;
  readonly shard: FlatShard;
  gateway!: Gateway;

  constructor(slots = 8) {
    this.bus = new MemoryBus(slots);
    this.shard = new FlatShard(this.bus);
  }

  static async start(slots = 8, options: { readonly logger?: Logger; readonly timers?: Timers; readonly clock?: Clock } = {}): Promise<GatewayFixture> {
    const fixture = new GatewayFixture(slots);
    fixture.gateway = await startTestGateway(fixture.bus, options);
    await fixture.shard.start();
    return fixture;
  }

  call(method: string, path: string, body?: unknown, headers?: { readonly [name: string]: string }): Promise<Answer> {
    return call(this.gateway, method, path, body, headers);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.bus.close();
  }
}
