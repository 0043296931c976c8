import { MemoryLevel } from 'memory-level';
import type { SimProcess, SimWorld } from '@shoal/bus/sim';
import type { Rows } from '@shoal/store';

type Change = { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer } | { readonly type: 'del'; readonly key: Buffer };
interface Journalled {
  readonly changes: readonly Change[];
  readonly synced: boolean;
}

/** What a disk may do wrong, planted to show that it is noticed. */
export interface DiskFaults {
  /** Batches may be half there after a crash. */
  readonly tornBatches?: boolean;
  /** Of a batch only the slot's own record is sure to survive. */
  readonly losesMiddle?: boolean;
}

/**
 * The disk under a simulated shard. Like LevelDB's log it keeps batches whole and in their order, and a crash may cost the newest
 * ones that were not synced: how many, chance decides.
 */
export class SimDisk {
  readonly #world: SimWorld;
  readonly #faults: DiskFaults;
  #journal: Journalled[] = [];
  #owner: SimProcess | undefined;

  constructor(world: SimWorld, faults: DiskFaults = {}) {
    this.#world = world;
    this.#faults = faults;
  }

  async open(process: SimProcess): Promise<Rows> {
    this.#owner = process;
    const rows = await openRows(process, this.#journal, (changes, synced) => {
      if (this.#owner === process) this.#journal.push({ changes, synced });
    });
    // The store asks for nothing of LevelDB beyond what every level has, but for compaction.
    return rows as unknown as Rows;
  }

  /** The process that had the disk is dead; its newest batches may be gone. */
  crash(): void {
    this.#owner = undefined;
    const firstUnsure = this.#journal.findLastIndex(({ synced }) => synced) + 1;
    const kept = this.#world.between(firstUnsure, this.#journal.length);
    const lost = this.#journal.slice(kept);
    this.#journal = this.#journal.slice(0, kept);
    const torn = lost[0];
    if (this.#faults.tornBatches === true && torn !== undefined) {
      this.#journal.push({ synced: false, changes: torn.changes.slice(this.#world.between(0, torn.changes.length)) });
    }
    if (this.#faults.losesMiddle === true && lost.length > 1) this.#journal.push(...lost.slice(1));
  }

  /** Everything is gone, as when the directory was deleted. */
  erase(): void {
    this.#journal = [];
  }
}

type Journal = (changes: readonly Change[], synced: boolean) => void;
type Level = MemoryLevel<Buffer, Buffer>;

/** Rows in memory that tell what they are given, and fall silent when their process dies. */
async function openRows(process: SimProcess, held: readonly Journalled[], journal: Journal): Promise<Level> {
  const level: Level = new MemoryLevel({ keyEncoding: 'buffer', valueEncoding: 'buffer', storeEncoding: 'buffer' });
  await level.open();
  const plainBatch = level.batch.bind(level) as (changes: Change[]) => Promise<void>;
  const keep = (changes: readonly Change[]): Promise<void> => plainBatch([...changes]);
  for (const { changes } of held) await keep(changes);
  /** A write takes a moment, in which the process may die; then it may be on the disk or not. */
  const write = async (changes: readonly Change[], options: { readonly sync?: boolean } = {}): Promise<void> => {
    await passTime(process, 2);
    journal(changes, options.sync === true);
    await keep(changes);
    await passTime(process, options.sync === true ? 5 : 0);
  };
  return Object.assign(level, {
    batch: write,
    put: (key: Buffer, value: Buffer, options?: { readonly sync?: boolean }) => write([{ type: 'put', key, value }], options),
    clear: async (range: object) => write((await level.keys(range).all()).map((key) => ({ type: 'del', key }))),
    compactRange: async () => undefined,
  }) as unknown as Level;
}

function passTime(process: SimProcess, atMostMs: number): Promise<void> {
  return new Promise((resolve) => process.timers.after(process.world.between(0, atMostMs), resolve));
}
