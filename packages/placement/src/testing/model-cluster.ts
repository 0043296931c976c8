/** Shards and gateways in virtual time: they hold leases, follow the map and announce themselves, and hold nothing but the names of slots. */
import type { Bus } from '@shoal/bus';
import { SimBroker, SimProcess, SimWorld, connectSimBus } from '@shoal/bus/sim';
import { pause } from '@shoal/pacing';
import { SUBJECTS, encodeShardStatus, type PlacementMap, type Sequence, type ShardId, type Slot } from '@shoal/protocol';
import { pino } from 'pino';
import { PlacementController } from '../controller.ts';
import { MapFeed } from '../map-feed.ts';
import { MapStore } from '../map-store.ts';
import { MemberLeaseKeeper } from '../member-lease.ts';
import { ReplicaProgress, forgetReplica } from '../replica-progress.ts';

const logger = pino({ level: 'silent' });
const STATUS_MS = 1_000;

export interface ModelProcess {
  readonly process: SimProcess;
  readonly controller: PlacementController;
}

export interface ModelShard extends ModelProcess {
  readonly shard: ShardId;
  /** Slots that the shard holds, and whether it answers for them. */
  readonly held: Map<Slot, boolean>;
  /** What ended it, if its name was taken. */
  taken: Error | undefined;
}

export class ModelCluster {
  readonly world: SimWorld;
  readonly broker: SimBroker;
  readonly shards = new Map<ShardId, ModelShard>();
  readonly gateways: ModelProcess[] = [];
  readonly #slots: number;
  readonly #replicas: number;
  #runs = 0;

  constructor(options: { readonly seed: number; readonly slots: number; readonly replicas: number }) {
    this.world = new SimWorld(options.seed);
    this.broker = new SimBroker(this.world, { slots: options.slots, streams: 1, duplicateWindowMs: 20_000 });
    this.#slots = options.slots;
    this.#replicas = options.replicas;
  }

  async startGateway(): Promise<ModelProcess> {
    const process = new SimProcess(this.world, `gateway-${this.gateways.length}`);
    const gateway = { process, controller: await this.#startController(process, connectSimBus(this.broker, process)) };
    this.gateways.push(gateway);
    return gateway;
  }

  /** Again under a name that ran before: with the same directory unless told otherwise. */
  async startShard(name: string, options: { readonly storeId?: string } = {}): Promise<ModelShard> {
    const shard = name as ShardId;
    this.#runs += 1;
    const process = new SimProcess(this.world, `${name} run ${this.#runs}`);
    const bus = connectSimBus(this.broker, process);
    const model: { -readonly [Member in keyof ModelShard]: ModelShard[Member] } = { process, shard, held: new Map(), taken: undefined, controller: undefined as never };
    const stop = (error: Error): void => {
      model.taken = error;
      process.kill();
    };
    await MemberLeaseKeeper.take({
      lease: { shard, version: '0', run: `${this.#runs}`, storeId: options.storeId ?? name, capacity: 1 }, registry: bus.registry, timers: process.timers, logger, onTaken: stop,
    });
    const feed = new MapFeed({ registry: bus.registry, timers: process.timers, logger, onMap: (map) => this.#follow(model, bus, map) });
    model.controller = await this.#startController(process, bus);
    void this.#announce(model, bus, feed);
    this.shards.set(shard, model);
    return model;
  }

  map(): Promise<PlacementMap | undefined> {
    return this.#outside().read().then((known) => known?.map);
  }

  edit(change: (map: PlacementMap) => PlacementMap): Promise<PlacementMap> {
    return this.#outside().edit(change);
  }

  async progressKeys(): Promise<readonly string[]> {
    const { registry } = connectSimBus(this.broker, new SimProcess(this.world, 'operator'));
    return (await registry.list('progress', 1_000)).map(({ key }) => key);
  }

  /** Shards that answer for the slot. */
  answering(slot: Slot): readonly ShardId[] {
    return [...this.shards.values()].filter(({ process, held }) => process.alive && held.get(slot) === true).map(({ shard }) => shard);
  }

  /** The map when every replica is ready and nothing changed for a while. */
  async settled(limitMs: number): Promise<PlacementMap> {
    const endMs = this.world.nowMs() + limitMs;
    for (let epoch = -1; this.world.nowMs() < endMs; ) {
      const map = await this.map();
      if (map !== undefined && map.epoch === epoch && map.slots.flat().every(({ state }) => state === 'ready')) return map;
      epoch = map?.epoch ?? -1;
      await this.world.pause(6_000);
    }
    throw new Error(`the map is not settled after ${limitMs} ms: ${JSON.stringify((await this.map())?.slots)}`);
  }

  #outside(): MapStore {
    return new MapStore(connectSimBus(this.broker, new SimProcess(this.world, 'operator')).registry);
  }

  async #startController(process: SimProcess, bus: Bus): Promise<PlacementController> {
    const controller = new PlacementController({ bus, replicas: this.#replicas, holder: process.name, timers: process.timers, logger });
    await controller.start();
    return controller;
  }

  #follow(model: ModelShard, bus: Bus, map: PlacementMap): void {
    map.slots.forEach((entries, index) => {
      const slot = index as Slot;
      const isWanted = entries.some(({ shard, state }) => shard === model.shard && state !== 'leaving');
      if (isWanted === model.held.has(slot)) return;
      if (isWanted) {
        model.held.set(slot, false);
        void new ReplicaProgress(bus.registry, slot, model.shard).join(0 as Sequence).catch(() => undefined);
        model.process.timers.after(this.world.between(10, 3_000), () => model.held.has(slot) && model.held.set(slot, true));
      } else {
        model.held.delete(slot);
        void forgetReplica(bus.registry, slot, model.shard).catch(() => undefined);
      }
    });
  }

  async #announce(model: ModelShard, bus: Bus, feed: MapFeed): Promise<void> {
    for (let count = 1; ; count += 1) {
      const slots = [...model.held].map(([slot, ready]) => ({ slot, ready, appliedSequence: 0 as Sequence, setAsideCount: 0, embeddingCount: 0, vectorCount: 0 }));
      bus.requests.announce(SUBJECTS.shardStatus, encodeShardStatus({ shard: model.shard, version: '0', count, startedAtMs: this.#runs, slots, engineMemoryBytes: 0, engineMemoryMaxBytes: 0, mapEpoch: feed.map?.epoch ?? 0 }));
      await pause(model.process.timers, STATUS_MS);
    }
  }

  get slots(): number {
    return this.#slots;
  }
}
