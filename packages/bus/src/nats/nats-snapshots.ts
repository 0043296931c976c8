/**
 * Snapshots in a JetStream object store. The library holds an object in memory while it is read, so a snapshot is cut into parts:
 *
 *   object "<slot>.<sequence, 16 digits>.<nonce>.<part, 6 digits>"    content, PART_BYTES each but the last
 *   object "<slot>.<sequence, 16 digits>.<nonce>.manifest"            empty; metadata {version, partCount, contentBytes}; written last
 *
 * A snapshot exists when its manifest does. The store guards each object with SHA-256.
 */
import { randomBytes } from 'node:crypto';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { Objm, type ObjectInfo, type ObjectStore, setSha256Backend, StorageType } from '@nats-io/obj';
import { type Sequence, ShoalError, type Slot } from '@shoal/protocol';
import { Easing } from '../easing.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { SnapshotDescription, Snapshots } from '../snapshots.ts';
import type { Connection } from './connection.ts';
import { removeOrphans } from './snapshot-orphans.ts';

const VERSION = '1';
const MANIFEST = 'manifest';
const CHUNK_BYTES = 256 * 1024;
const NAME = /^(\d+)\.(\d{16})\.[0-9a-f]{8}$/;

export interface OpenSnapshotsOptions {
  readonly connection: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly bucket: string;
  readonly replicas: number;
}

export class NatsSnapshots implements Snapshots {
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #bucket: string;
  readonly #store: ObjectStore;
  #closed = false;

  private constructor(options: OpenSnapshotsOptions, store: ObjectStore) {
    this.#connection = options.connection;
    this.#jsm = options.jsm;
    this.#bucket = options.bucket;
    this.#store = store;
  }

  /** Creates the bucket unless it exists. */
  static async open(options: OpenSnapshotsOptions): Promise<NatsSnapshots> {
    const { js, bucket, replicas } = options;
    // By itself the library computes digests in JavaScript, which would hold up everything else for a second per hundred megabytes.
    setSha256Backend('native');
    const store = await new Objm(js).create(bucket, { description: 'Snapshots of Shoal', storage: StorageType.File, replicas });
    return new NatsSnapshots(options, store);
  }

  async put(slot: Slot, sequence: Sequence, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SnapshotDescription> {
    const name = `${slot}.${String(sequence).padStart(16, '0')}.${randomBytes(4).toString('hex')}`;
    let partCount = 0;
    let contentBytes = 0;
    try {
      const easing = new Easing(signal);
      for await (const part of parts(easing.of(content))) {
        signal.throwIfAborted();
        const chunks = ReadableStream.from<Uint8Array>(easing.of(chunksOf(part)));
        await this.#ask(() => this.#store.put({ name: partName(name, partCount), options: { max_chunk_size: CHUNK_BYTES } }, chunks));
        partCount += 1;
        contentBytes += part.length;
      }
      signal.throwIfAborted();
      const metadata = { version: VERSION, partCount: String(partCount), contentBytes: String(contentBytes) };
      await this.#ask(() => this.#store.putBlob({ name: `${name}.${MANIFEST}`, metadata }, new Uint8Array(0)));
    } catch (error) {
      for (let part = 0; part <= partCount && this.#connection.connected; part += 1) await this.#ask(() => this.#store.delete(partName(name, part))).catch(() => undefined);
      throw error;
    }
    // Room that crashed writers left behind is given back here; that it fails harms nothing.
    await removeOrphans({ jsm: this.#jsm, bucket: this.#bucket, store: this.#store }).catch(() => undefined);
    return { slot, sequence, name, contentBytes };
  }

  async list(slot: Slot): Promise<readonly SnapshotDescription[]> {
    const objects = await this.#ask(() => this.#store.list());
    return objects
      .flatMap((object) => describe(object) ?? [])
      .filter((snapshot) => snapshot.slot === slot)
      .sort((a, b) => b.sequence - a.sequence || (a.name < b.name ? 1 : -1));
  }

  async *read(snapshot: SnapshotDescription, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const manifest = await this.#ask(() => this.#store.info(`${snapshot.name}.${MANIFEST}`));
    if (manifest === null || manifest.deleted) throw damaged(snapshot, 'its manifest is gone');
    if (manifest.metadata?.['version'] !== VERSION) {
      throw new ShoalError('store_incompatible', `The snapshot ${snapshot.name} has version ${manifest.metadata?.['version'] ?? 'none'}; this release reads ${VERSION}.`);
    }
    const partCount = Number(manifest.metadata['partCount']);
    for (let part = 0; part < partCount; part += 1) {
      signal.throwIfAborted();
      yield await this.#readPart(snapshot, part);
    }
  }

  async #readPart(snapshot: SnapshotDescription, part: number): Promise<Uint8Array> {
    let bytes: Uint8Array | null;
    try {
      bytes = await this.#ask(() => this.#store.getBlob(partName(snapshot.name, part)));
    } catch (error) {
      if (!this.#connection.connected || error instanceof ShoalError && error.cause instanceof TimeoutError) throw error;
      throw damaged(snapshot, `part ${part} cannot be read as it was written`, error);
    }
    if (bytes === null) throw damaged(snapshot, `part ${part} is gone`);
    return bytes;
  }

  async delete(snapshot: SnapshotDescription): Promise<void> {
    // The manifest first: from there on the snapshot does not exist, and what is left are orphans.
    await this.#ask(() => this.#store.delete(`${snapshot.name}.${MANIFEST}`));
    const objects = await this.#ask(() => this.#store.list());
    for (const { name } of objects) {
      if (name.startsWith(`${snapshot.name}.`)) await this.#ask(() => this.#store.delete(name));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** The library's calls wait without a deadline for messages that may never come. */
  async #ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    if (this.#closed) throw new ShoalError('not_ready', 'The bus is closed.');
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new TimeoutError()), BUS_LIMITS.snapshotPartMs);
    try {
      return await this.#connection.whileConnected(() => Promise.race([call(), late.promise]));
    } catch (cause) {
      throw new ShoalError('snapshot_unavailable', `The snapshots on the NATS server at ${this.#connection.printable} cannot be read or written now.`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

class TimeoutError extends Error {}

function partName(name: string, part: number): string {
  return `${name}.${String(part).padStart(6, '0')}`;
}

function describe(object: ObjectInfo): SnapshotDescription | undefined {
  if (object.deleted || !object.name.endsWith(`.${MANIFEST}`)) return undefined;
  const name = object.name.slice(0, -MANIFEST.length - 1);
  const match = NAME.exec(name);
  if (match === null) return undefined;
  return { slot: Number(match[1]) as Slot, sequence: Number(match[2]) as Sequence, name, contentBytes: Number(object.metadata?.['contentBytes']) };
}

function damaged(snapshot: SnapshotDescription, what: string, cause?: unknown): ShoalError {
  return new ShoalError('snapshot_corrupt', `The snapshot ${snapshot.name} is damaged: ${what}.`, { cause });
}

function* chunksOf(part: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < part.length; at += CHUNK_BYTES) yield part.subarray(at, at + CHUNK_BYTES);
}

/** Gathers pieces of any size into parts. */
async function* parts(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (let piece of content) {
    while (bytes + piece.length >= BUS_LIMITS.snapshotPartBytes) {
      const end = BUS_LIMITS.snapshotPartBytes - bytes;
      yield Buffer.concat([...pieces, piece.subarray(0, end)]);
      piece = piece.subarray(end);
      pieces = [];
      bytes = 0;
    }
    // The producer may use its buffer again for the next piece.
    pieces.push(piece.slice());
    bytes += piece.length;
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}
