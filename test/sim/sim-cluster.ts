import { connectSimBus, SimBroker, SimProcess, type SimWorld } from '@shoal/bus/sim';
import type { Bus } from '@shoal/bus';
import { ShoalClient } from '@shoal/client';
import { assembleGateway } from '@shoal/gateway';
import { parseOperationId, parseShardId, parseSlot } from '@shoal/protocol';
import { runShard } from '@shoal/shard';
import { ShardStore } from '@shoal/store';
import { pino } from 'pino';
import { SimDisk, type DiskFaults } from './sim-disk.ts';
import { SimEngine } from './sim-engine.ts';

const ROOT_KEY = 'root-key-of-the-simulation';
const SLOTS = 8;
/** A slot is saved after so much log: so little that disks are restored and logs trimmed in every run. */
const SNAPSHOT_LOG_BYTES = 3_000;
/** What a shard says when its rows are not those that the log gave: it has noticed by itself, and rebuilds the slot. */
const ALARMS: readonly unknown[] = ['store_corrupt', 'snapshot_corrupt', 'replica_diverged'];

/** Faults that are planted to show that the simulation notices them: each spoils what a process sees of its surroundings. */
export interface PlantedFault {
  readonly disk?: DiskFaults;
  readonly gatewayBus?: (bus: Bus, world: SimWorld) => Bus;
  /** `shard` counts from 0. */
  readonly shardBus?: (bus: Bus, world: SimWorld, shard: number) => Bus;
  /** It shows only where slots have two replicas. */
  readonly needsReplicas?: true;
}

export interface SimClusterOptions {
  readonly gatewayCount: number;
  readonly shardCount: number;
  /** Shards that hold each slot. */
  readonly replicaCount: number;
  readonly lossRate: number;
  readonly planted?: PlantedFault;
}

type App = Awaited<ReturnType<typeof assembleGateway>>['app'];

/** Gateways and shards, the real ones, over a simulated bus, disk and clock. */
export class SimCluster {
  readonly world: SimWorld;
  readonly broker: SimBroker;
  readonly #options: SimClusterOptions;
  readonly #apps: (App | undefined)[] = [];
  readonly #gateways: SimProcess[] = [];
  readonly #shards: SimProcess[] = [];
  readonly #disks: SimDisk[];
  readonly #buses: Bus[] = [];
  readonly #alarms: string[] = [];
  readonly #logger = pino({ level: 'warn' }, { write: (line) => this.#hear(JSON.parse(line) as { readonly err?: { readonly code?: string } }) });

  constructor(world: SimWorld, options: SimClusterOptions) {
    this.world = world;
    this.#options = options;
    this.broker = new SimBroker(world, { slots: SLOTS, streams: 2, duplicateWindowMs: 300 });
    this.#disks = Array.from({ length: options.shardCount }, () => new SimDisk(world, options.planted?.disk));
  }

  async start(): Promise<void> {
    for (let index = 0; index < this.#options.shardCount; index += 1) await this.startShard(index);
    for (let index = 0; index < this.#options.gatewayCount; index += 1) await this.startGateway(index);
  }

  get shards(): readonly SimProcess[] {
    return this.#shards;
  }

  get gateways(): readonly SimProcess[] {
    return this.#gateways;
  }

  /** What shards noticed about their own rows, in order. */
  get alarms(): readonly string[] {
    return this.#alarms;
  }

  get trimmedSlots(): number {
    return Array.from({ length: SLOTS }, (_, slot) => parseSlot(slot)).filter((slot) => this.broker.trimmedBefore(slot) > 0).length;
  }

  async startShard(index: number): Promise<void> {
    const process = this.#newProcess(`shard ${index}`);
    this.#shards[index] = process;
    const bus = this.#connect(process);
    const rows = await (this.#disks[index] ?? new SimDisk(this.world)).open(process);
    const store = await process.hear(ShardStore.over(rows, { directory: process.name, slots: SLOTS }));
    const { shardCount, replicaCount } = this.#options;
    const ownedSlots = Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => (index + slot) % shardCount < replicaCount).map((slot) => parseSlot(slot));
    runShard(
      { shard: parseShardId(`shard-${index}`), ownedSlots, slots: SLOTS, directory: process.name, engineMemoryMaxBytes: 0, searchThreadCount: 1, snapshotLogBytes: SNAPSHOT_LOG_BYTES },
      {
        bus: this.#options.planted?.shardBus?.(bus, this.world, index) ?? bus,
        logger: this.#logger, timers: process.timers, nowMs: () => this.world.nowMs(), version: 'simulated',
        store, engine: new SimEngine(process), failure: Promise.withResolvers<Error>(),
      },
    );
  }

  killShard(index: number): void {
    this.#shards[index]?.kill();
    this.#disks[index]?.crash();
  }

  eraseShard(index: number): void {
    this.#disks[index]?.erase();
  }

  async startGateway(index: number): Promise<void> {
    const process = this.#newProcess(`gateway ${index}`);
    this.#gateways[index] = process;
    const bus = this.#connect(process);
    const { app } = await process.hear(assembleGateway(
      { host: 'simulated', port: 0, rootKey: ROOT_KEY, slots: SLOTS, mode: 'cluster', version: 'simulated' },
      {
        bus: this.#options.planted?.gatewayBus?.(bus, this.world) ?? bus,
        logger: this.#logger, clock: { nowMs: () => this.world.nowMs() }, timers: process.timers,
        newOperationId: () => parseOperationId(Array.from({ length: 4 }, () => this.world.between(0, 0xffff_ffff).toString(16).padStart(8, '0')).join('')),
      },
    ));
    await app.ready();
    this.#apps[index] = app;
  }

  killGateway(index: number): void {
    this.#gateways[index]?.kill();
    this.#apps[index] = undefined;
  }

  /**
   * Ends what the processes of the run still wait for, the killed ones included: Node keeps every signal that somebody listens
   * to, and with it a whole cluster.
   */
  async dispose(): Promise<void> {
    for (const bus of this.#buses) {
      await bus.log.close();
      await bus.registry.close();
    }
  }

  #hear({ err }: { readonly err?: { readonly code?: string } }): void {
    if (err?.code !== undefined && ALARMS.includes(err.code)) this.#alarms.push(err.code);
  }

  #connect(process: SimProcess): Bus {
    const bus = connectSimBus(this.broker, process);
    this.#buses.push(bus);
    return bus;
  }

  #newProcess(name: string): SimProcess {
    return new SimProcess(this.world, name, { lossRate: this.#options.lossRate });
  }

  /** A client that asks any gateway that lives, each time another. */
  client(): ShoalClient {
    const { world } = this;
    return new ShoalClient({
      url: 'http://gateway', apiKey: ROOT_KEY, timeoutMs: 60_000, retries: 8,
      now: () => world.nowMs(), random: () => world.chance(), wait: (durationMs) => world.pause(durationMs),
      fetch: (url, init) => this.#fetch(String(url), init ?? {}),
    });
  }

  /** Like a connection: it breaks when the gateway dies, and does not come about when none lives. */
  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { world } = this;
    await world.pause(world.between(0, 3));
    const index = world.pick(this.#apps.flatMap((app, at) => (app === undefined ? [] : [at])));
    const app = index === undefined ? undefined : this.#apps[index];
    const process = index === undefined ? undefined : this.#gateways[index];
    if (app === undefined || process === undefined) throw new TypeError('fetch failed: nobody listens');
    const broken = Promise.withResolvers<never>();
    const forget = process.onKill(() => broken.reject(new TypeError('fetch failed: the connection was reset')));
    const cancel = world.after(20_000, () => broken.reject(new TypeError('fetch failed: no answer')));
    try {
      const { pathname, search } = new URL(url);
      const answer = process.hear(app.inject({
        method: (init.method ?? 'GET') as 'GET' | 'POST' | 'DELETE', url: `${pathname}${search}`,
        headers: init.headers as Record<string, string>,
        ...(init.body === undefined || init.body === null ? {} : { payload: typeof init.body === 'string' ? init.body : Buffer.from(init.body as Uint8Array) }),
      }));
      const { statusCode, rawPayload, headers } = await Promise.race([answer, broken.promise]);
      return new Response(statusCode === 204 ? null : new Uint8Array(rawPayload), { status: statusCode, headers: headers as Record<string, string> });
    } finally {
      forget();
      cancel();
    }
  }
}
