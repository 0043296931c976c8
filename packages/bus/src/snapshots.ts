import type { Sequence, Slot } from '@shoal/protocol';

export interface SnapshotDescription {
  readonly slot: Slot;
  /** The slot's applied sequence in the snapshot. */
  readonly sequence: Sequence;
  /** Names this very snapshot among all. */
  readonly name: string;
  readonly contentBytes: number;
}

/**
 * Copies of slots outside the shards that own them. What is inside is the caller's, who also checks it.
 *
 * Invariants:
 * 1. `put` stores a snapshot as a whole or not at all: what it did not finish is in no list, and its room is given back later.
 * 2. Content is streamed both ways: neither side holds more than a few pieces of it.
 * 3. A snapshot never changes. Content that is not what was put is `snapshot_corrupt`, where the implementation can tell.
 */
export interface Snapshots {
  /** Rejects with `snapshot_unavailable`, or with whatever `content` throws. */
  put(slot: Slot, sequence: Sequence, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SnapshotDescription>;
  /** The snapshots of a slot, newest first. */
  list(slot: Slot): Promise<readonly SnapshotDescription[]>;
  /** The content in pieces of any size. Throws `snapshot_unavailable` or `snapshot_corrupt`. */
  read(snapshot: SnapshotDescription, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** One that is gone already is no error. */
  delete(snapshot: SnapshotDescription): Promise<void>;
  close(): Promise<void>;
}
