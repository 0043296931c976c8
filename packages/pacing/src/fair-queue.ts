/**
 * One queue per tenant, served in turns by deficit round robin (Shreedhar and Varghese, "Efficient Fair Queuing using
 * Deficit Round Robin", SIGCOMM 1995): in each round a tenant may spend `quantum` more, and what it does not spend while it has
 * something waiting stays its own. A tenant that asks for much waits for itself, not the others for it.
 */
interface Waiting<Item> {
  readonly item: Item;
  readonly cost: number;
  readonly weight: number;
}

interface TenantQueue<Item> {
  readonly waiting: Waiting<Item>[];
  /** Index of the first item that still waits; the array is cut when half of it is behind. */
  head: number;
  deficit: number;
  weight: number;
}

export interface FairQueueOptions {
  /** What a tenant may spend per round, in the unit of the costs. */
  readonly quantum: number;
  /** A greater cost counts as this, so that one item does not need endless rounds. */
  readonly costMaximum: number;
}

export class FairQueue<Item> {
  readonly #options: FairQueueOptions;
  /** Tenants with something waiting, in the order of their turns: the first one's turn is now. */
  readonly #queues = new Map<string, TenantQueue<Item>>();
  #size = 0;
  #weight = 0;
  /** Whether the first tenant has had its quantum of this round. */
  #granted = false;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** Sum of the weights of what waits. */
  get weight(): number {
    return this.#weight;
  }

  sizeOf(tenant: string): number {
    const queue = this.#queues.get(tenant);
    return queue === undefined ? 0 : queue.waiting.length - queue.head;
  }

  /** `weight`: what the item counts for where it is told who has most. */
  push(tenant: string, item: Item, cost = 1, weight = 1): void {
    let queue = this.#queues.get(tenant);
    if (queue === undefined) {
      queue = { waiting: [], head: 0, deficit: 0, weight: 0 };
      this.#queues.set(tenant, queue);
    }
    queue.waiting.push({ item, cost: Math.min(Math.max(cost, 0), this.#options.costMaximum), weight });
    this.#size += 1;
    this.#weigh(queue, weight);
  }

  /** The next item by turns among the tenants that `may` allows; undefined when there is none. */
  take(may: (tenant: string) => boolean = () => true): Item | undefined {
    const passed = new Set<string>();
    for (;;) {
      const turn = this.#queues.entries().next();
      if (turn.done === true) return undefined;
      const [tenant, queue] = turn.value;
      if (!may(tenant)) {
        passed.add(tenant);
        // Nobody who waits may go.
        if (passed.size === this.#queues.size) return undefined;
        this.#endTurn(tenant, queue);
        continue;
      }
      const taken = this.#takeFrom(tenant, queue);
      if (taken !== undefined) return taken.item;
      this.#endTurn(tenant, queue);
    }
  }

  #takeFrom(tenant: string, queue: TenantQueue<Item>): Waiting<Item> | undefined {
    const first = queue.waiting[queue.head];
    if (first === undefined) return undefined;
    if (!this.#granted) {
      queue.deficit += this.#options.quantum;
      this.#granted = true;
    }
    if (first.cost > queue.deficit) return undefined;
    queue.deficit -= first.cost;
    queue.head += 1;
    this.#size -= 1;
    this.#weigh(queue, -first.weight);
    if (queue.head === queue.waiting.length) this.#forget(tenant);
    else if (queue.head > 32 && queue.head * 2 > queue.waiting.length) {
      queue.waiting.splice(0, queue.head);
      queue.head = 0;
    }
    return first;
  }

  #weigh(queue: TenantQueue<Item>, weight: number): void {
    queue.weight += weight;
    this.#weight += weight;
  }

  /** The tenant goes behind the others and keeps what it has saved. */
  #endTurn(tenant: string, queue: TenantQueue<Item>): void {
    this.#queues.delete(tenant);
    this.#queues.set(tenant, queue);
    this.#granted = false;
  }

  /** A tenant with nothing waiting saves nothing. */
  #forget(tenant: string): void {
    if (this.#queues.keys().next().value === tenant) this.#granted = false;
    this.#queues.delete(tenant);
  }

  /** The tenant with the most waiting, by weight; undefined when nothing waits. */
  longest(): string | undefined {
    let longest: string | undefined;
    let most = 0;
    for (const [tenant, { weight }] of this.#queues) {
      if (weight <= most) continue;
      most = weight;
      longest = tenant;
    }
    return longest;
  }

  /** Takes back what the tenant asked for last. */
  dropNewest(tenant: string): Item | undefined {
    const queue = this.#queues.get(tenant);
    const last = queue?.waiting.pop();
    if (queue === undefined || last === undefined) return undefined;
    this.#size -= 1;
    this.#weigh(queue, -last.weight);
    if (queue.head === queue.waiting.length) this.#forget(tenant);
    return last.item;
  }

  /** Takes out every item that no longer matters. Linear in what waits. */
  prune(isStale: (item: Item) => boolean): void {
    for (const [tenant, queue] of this.#queues) {
      const kept = queue.waiting.slice(queue.head).filter(({ item }) => !isStale(item));
      this.#size -= queue.waiting.length - queue.head - kept.length;
      this.#weigh(queue, kept.reduce((sum, { weight }) => sum + weight, 0) - queue.weight);
      queue.waiting.splice(0, queue.waiting.length, ...kept);
      queue.head = 0;
      if (kept.length === 0) this.#forget(tenant);
    }
  }
}
