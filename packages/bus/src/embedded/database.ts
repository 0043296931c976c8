/** The one LevelDB database under the embedded bus: opening, format check, durable batches and bounded pages. */
import { mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import { ShoalError } from '@shoal/protocol';
import { plainBytes } from '../plain-bytes.ts';
import { decodeFormat, encodeFormat, FORMAT_KEY } from './records.ts';

export type Durability = 'fsync' | 'os';

export interface DatabaseOptions {
  readonly directory: string;
  readonly slots: number;
  readonly durability: Durability;
}

export type Write = { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array } | { readonly type: 'del'; readonly key: Uint8Array };

export interface Range {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

type Rows = readonly (readonly [Uint8Array, Uint8Array])[];

const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export class Database {
  readonly #level: ClassicLevel<Uint8Array, Uint8Array>;
  readonly #sync: boolean;
  #failure: ShoalError | undefined;

  private constructor(level: ClassicLevel<Uint8Array, Uint8Array>, durability: Durability) {
    this.#level = level;
    this.#sync = durability === 'fsync';
  }

  /** Rejects with `directory_locked`, `directory_unusable`, `store_corrupt`, `store_incompatible` or `log_incompatible`. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { directory } = options;
    try {
      await mkdir(directory, { recursive: true });
    } catch (cause) {
      throw new ShoalError('directory_unusable', `The directory ${directory} cannot be created or written.`, { cause });
    }
    const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      compression: false,
      writeBufferSize: WRITE_BUFFER_BYTES,
      maxFileSize: MAX_FILE_BYTES,
    });
    try {
      await level.open();
    } catch (error) {
      throw openingError(directory, error);
    }
    const database = new Database(level, options.durability);
    try {
      await database.#checkFormat(directory, options.slots);
    } catch (error) {
      await database.close();
      throw error;
    }
    return database;
  }

  async #checkFormat(directory: string, slots: number): Promise<void> {
    const format = await this.get(FORMAT_KEY);
    if (format === undefined) {
      await this.write([{ type: 'put', key: FORMAT_KEY, value: encodeFormat(slots) }]);
      return;
    }
    const slotsOnDisk = decodeFormat(format);
    if (slotsOnDisk !== slots) {
      throw new ShoalError('log_incompatible', `The log in ${directory} was created with ${slotsOnDisk} slots; it cannot be opened with ${slots}.`);
    }
  }

  /**
   * One batch, whole or not at all; durable when it resolves. After a failure every later write is refused: a batch that
   * failed may be found again at the next opening, and must not end up behind later ones.
   */
  async write(writes: Write[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#level.batch(writes, { sync: this.#sync });
    } catch (cause) {
      this.#failure ??= new ShoalError('log_unavailable', 'The log on disk failed to write; restart when the disk is in order.', { cause });
      throw this.#failure;
    }
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = await this.#level.get(key);
    return value === undefined ? undefined : plainBytes(value);
  }

  /** Rows of the range in key order, at most `limit`; ends early once it holds `maxBytes`, but never empty-handed when rows exist. */
  async page(range: Range, limit: number, maxBytes: number): Promise<Rows> {
    const iterator = this.#level.iterator({ ...range, limit, highWaterMarkBytes: maxBytes, fillCache: false });
    try {
      const rows = await iterator.nextv(limit);
      return rows.map(([key, value]) => [plainBytes(key), plainBytes(value)] as const);
    } catch (cause) {
      throw readingError(cause);
    } finally {
      await iterator.close();
    }
  }

  /** Removes the rows of a range and gives their room back. Not atomic: after a crash some of them may be left. */
  async remove(range: Range): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#level.clear(range);
    await this.#level.compactRange(range.gte, range.lt);
  }

  /** About how many bytes the rows of the range take on disk; what is still in the write buffer does not count. */
  async sizeBytes({ gte, lt }: Range): Promise<number> {
    try {
      return await this.#level.approximateSize(gte, lt);
    } catch (cause) {
      throw new ShoalError('log_unavailable', 'The size of the log on disk cannot be read.', { cause });
    }
  }

  async firstKey(range: Range): Promise<Uint8Array | undefined> {
    const iterator = this.#level.keys({ ...range, limit: 1 });
    try {
      return await iterator.next();
    } finally {
      await iterator.close();
    }
  }

  async lastKey(range: Range): Promise<Uint8Array | undefined> {
    const iterator = this.#level.keys({ ...range, reverse: true, limit: 1 });
    try {
      return await iterator.next();
    } finally {
      await iterator.close();
    }
  }

  async close(): Promise<void> {
    await this.#level.close();
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function openingError(directory: string, error: unknown): ShoalError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return new ShoalError('directory_locked', `Another process uses the data directory ${directory}. Stop it, or choose another directory with SHOAL_DATA_DIR.`, { cause });
    case 'LEVEL_CORRUPTION':
      return new ShoalError('store_corrupt', `The log in ${directory} is damaged and cannot be opened.`, { cause });
    default:
      return new ShoalError('directory_unusable', `The directory ${directory} cannot be opened for writing.`, { cause });
  }
}

function readingError(cause: unknown): ShoalError {
  if (codeOf(cause) === 'LEVEL_CORRUPTION') return new ShoalError('store_corrupt', 'The log on disk is damaged.', { cause });
  return new ShoalError('log_unavailable', 'The log on disk cannot be read.', { cause });
}
