import type { SimProcess, SimWorld } from '@shoal/bus/sim';
import type { SimCluster } from './sim-cluster.ts';

type Fault = () => Promise<void>;

/** Faults at random moments, several at a time, each mended by itself after a while. */
export class FaultSchedule {
  readonly counts: Record<string, number> = {};
  readonly #cluster: SimCluster;
  readonly #world: SimWorld;
  readonly #busy = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#world = cluster.world;
  }

  async run(goesOn: () => boolean): Promise<void> {
    const kinds: readonly [string, Fault][] = [
      ['kill shard', () => this.#killShard(false)],
      ['kill shard, lose its disk', () => this.#killShard(true)],
      ['kill gateway', () => this.#killGateway()],
      ['stop process', () => this.#stop()],
      ['cut link', () => this.#cut()],
      ['broker down', () => this.#brokerDown()],
    ];
    while (goesOn()) {
      await this.#world.pause(this.#world.between(50, 1_500));
      const kind = this.#world.pick(kinds);
      if (kind === undefined || !goesOn()) break;
      const [name, fault] = kind;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      const work = fault().finally(() => this.#underWay.delete(work));
      this.#underWay.add(work);
    }
  }

  /** Resolves when everything runs again. */
  async heal(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #killShard(erase: boolean): Promise<void> {
    const index = this.#world.between(0, this.#cluster.shards.length - 1);
    await this.#alone(`shard ${index}`, async () => {
      this.#cluster.killShard(index);
      if (erase) this.#cluster.eraseShard(index);
      await this.#world.pause(this.#world.between(5, 800));
      await this.#cluster.startShard(index);
    });
  }

  async #killGateway(): Promise<void> {
    const index = this.#world.between(0, this.#cluster.gateways.length - 1);
    await this.#alone(`gateway ${index}`, async () => {
      this.#cluster.killGateway(index);
      await this.#world.pause(this.#world.between(5, 800));
      await this.#cluster.startGateway(index);
    });
  }

  async #stop(): Promise<void> {
    this.#anyProcess()?.stop(this.#world.between(50, 2_000));
  }

  async #cut(): Promise<void> {
    const process = this.#anyProcess();
    if (process === undefined) return;
    process.link.cut = true;
    await this.#world.pause(this.#world.between(50, 3_000));
    process.link.cut = false;
  }

  async #brokerDown(): Promise<void> {
    await this.#alone('broker', async () => {
      this.#cluster.broker.up = false;
      await this.#world.pause(this.#world.between(50, 1_500));
      this.#cluster.broker.up = true;
    });
  }

  #anyProcess(): SimProcess | undefined {
    return this.#world.pick([...this.#cluster.shards, ...this.#cluster.gateways].filter((process) => process.alive));
  }

  /** One fault of a kind at a time for each thing. */
  async #alone(name: string, fault: Fault): Promise<void> {
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    try {
      await fault();
    } finally {
      this.#busy.delete(name);
    }
  }
}
